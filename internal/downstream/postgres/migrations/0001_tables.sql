-- Tables. @schema@ stands for the quoted name of the schema.

CREATE SEQUENCE @schema@.record_id;
COMMENT ON SEQUENCE @schema@.record_id IS 'Ids of rows, over all tables.';

CREATE TABLE @schema@.people (
  id bigint NOT NULL UNIQUE DEFAULT nextval('@schema@.record_id'),
  key text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  organization text,
  in_effect boolean NOT NULL DEFAULT true,
  changed_at timestamptz NOT NULL DEFAULT now(),
  directory_id text, employee_id text, email text, username text,
  display_name text, first_name text, last_name text,
  active boolean, phase text, listing text, account_role text, base_type text, leader_key text, can_manage_teams boolean,
  availability text, max_chats integer, auto_assignment boolean, extension text, channels text[], queues text[], campaign text,
  practices text[], time_zone text, language text, schedule text, survey_eligible boolean,
  start_date date, employment_status text, card jsonb, onboarding_method text, confirmed_at timestamptz
);
CREATE INDEX people_name ON @schema@.people (name);
CREATE INDEX people_leader ON @schema@.people (leader_key);

CREATE TABLE @schema@.person_skills (
  person_key text COLLATE "C" NOT NULL REFERENCES @schema@.people (key) ON UPDATE CASCADE ON DELETE CASCADE,
  skill text COLLATE "C" NOT NULL,
  level integer NOT NULL,
  PRIMARY KEY (person_key, skill)
);
CREATE TABLE @schema@.person_tags (
  person_key text COLLATE "C" NOT NULL REFERENCES @schema@.people (key) ON UPDATE CASCADE ON DELETE CASCADE,
  tag text COLLATE "C" NOT NULL,
  color text,
  PRIMARY KEY (person_key, tag)
);
CREATE TABLE @schema@.person_absences (
  person_key text COLLATE "C" NOT NULL REFERENCES @schema@.people (key) ON UPDATE CASCADE ON DELETE CASCADE,
  absence text COLLATE "C" NOT NULL,
  absent_from timestamptz,
  absent_until timestamptz,
  note text,
  PRIMARY KEY (person_key, absence)
);

CREATE TABLE @schema@.groups (
  id bigint NOT NULL UNIQUE DEFAULT nextval('@schema@.record_id'),
  key text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  organization text,
  in_effect boolean NOT NULL DEFAULT true,
  changed_at timestamptz NOT NULL DEFAULT now(),
  display_name text, description text, handle text, scope text, practices text[], enabled boolean, criteria jsonb,
  supervisors text[], profiles text[], profile_role text, schedule text, extension text, reporting boolean
);
CREATE TABLE @schema@.memberships (
  group_key text COLLATE "C" NOT NULL REFERENCES @schema@.groups (key) ON UPDATE CASCADE ON DELETE CASCADE,
  person_key text COLLATE "C" NOT NULL,
  active boolean NOT NULL,
  "position" integer,
  until timestamptz,
  PRIMARY KEY (group_key, person_key)
);
CREATE INDEX memberships_person ON @schema@.memberships (person_key);

CREATE TABLE @schema@.access (
  id bigint NOT NULL UNIQUE DEFAULT nextval('@schema@.record_id'),
  key text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  organization text,
  in_effect boolean NOT NULL DEFAULT true,
  changed_at timestamptz NOT NULL DEFAULT now(),
  username text, active boolean, phase text, gate_reason text, account_role text, base_type text,
  permissions text[], groups text[], supervises jsonb, data_scope jsonb, voice jsonb
);
CREATE TABLE @schema@.access_grants (
  person_key text COLLATE "C" NOT NULL REFERENCES @schema@.access (key) ON UPDATE CASCADE ON DELETE CASCADE,
  ordinal integer NOT NULL,
  permissions text[],
  profiles text[],
  all_profiles boolean,
  approval_required text[],
  content_visibility text,
  sources jsonb,
  PRIMARY KEY (person_key, ordinal)
);

CREATE TABLE @schema@.routes (
  id bigint NOT NULL UNIQUE DEFAULT nextval('@schema@.record_id'),
  key text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  organization text,
  in_effect boolean NOT NULL DEFAULT true,
  changed_at timestamptz NOT NULL DEFAULT now(),
  target_kind text, display_name text, strategy text, mode text,
  max_ring_ms bigint, max_group_dialing_ms bigint, max_waiting_ms bigint, reassign_after_ms bigint, overflow_after_ms bigint,
  cap_legs integer, cap_scope text, extension text, caller_id text, audio jsonb, supervisors text[],
  overflow_type text, overflow_name text, out_of_hours_type text, out_of_hours_name text, schedule_key text,
  bot_name text, bot_only boolean, waiting jsonb
);
CREATE INDEX routes_extension ON @schema@.routes (extension);
CREATE TABLE @schema@.route_profiles (
  route_key text COLLATE "C" NOT NULL REFERENCES @schema@.routes (key) ON UPDATE CASCADE ON DELETE CASCADE,
  ordinal integer NOT NULL,
  profile text NOT NULL,
  number text,
  PRIMARY KEY (route_key, ordinal)
);
CREATE INDEX route_profiles_number ON @schema@.route_profiles (number);
CREATE TABLE @schema@.route_candidates (
  route_key text COLLATE "C" NOT NULL REFERENCES @schema@.routes (key) ON UPDATE CASCADE ON DELETE CASCADE,
  ordinal integer NOT NULL,
  person_key text COLLATE "C" NOT NULL,
  name text NOT NULL,
  groups text[],
  "position" integer,
  extension text,
  skill_score integer,
  max_chats integer,
  schedule_key text,
  absence jsonb,
  channels text[],
  PRIMARY KEY (route_key, ordinal)
);
CREATE INDEX route_candidates_person ON @schema@.route_candidates (person_key);
CREATE TABLE @schema@.route_pools (
  route_key text COLLATE "C" NOT NULL REFERENCES @schema@.routes (key) ON UPDATE CASCADE ON DELETE CASCADE,
  ordinal integer NOT NULL,
  group_key text NOT NULL,
  weight integer,
  schedule_key text,
  PRIMARY KEY (route_key, ordinal)
);

CREATE TABLE @schema@.schedules (
  id bigint NOT NULL UNIQUE DEFAULT nextval('@schema@.record_id'),
  key text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  organization text,
  in_effect boolean NOT NULL DEFAULT true,
  changed_at timestamptz NOT NULL DEFAULT now(),
  time_zone text, mode text
);
CREATE TABLE @schema@.schedule_hours (
  schedule_key text COLLATE "C" NOT NULL REFERENCES @schema@.schedules (key) ON UPDATE CASCADE ON DELETE CASCADE,
  ordinal integer NOT NULL,
  day text NOT NULL,
  opens text NOT NULL,
  closes text NOT NULL,
  PRIMARY KEY (schedule_key, ordinal)
);
CREATE TABLE @schema@.schedule_exceptions (
  schedule_key text COLLATE "C" NOT NULL REFERENCES @schema@.schedules (key) ON UPDATE CASCADE ON DELETE CASCADE,
  ordinal integer NOT NULL,
  date date NOT NULL,
  spans jsonb,
  PRIMARY KEY (schedule_key, ordinal)
);

CREATE TABLE @schema@.mentions (
  id bigint NOT NULL UNIQUE DEFAULT nextval('@schema@.record_id'),
  key text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  organization text,
  in_effect boolean NOT NULL DEFAULT true,
  changed_at timestamptz NOT NULL DEFAULT now(),
  phase text, conversation text, profile text, practice text, conversation_status text, message text, author_key text, groups text[],
  accepted_at timestamptz, expires_at timestamptz, resolved_at timestamptz, resolved_by_key text
);
CREATE TABLE @schema@.mention_alerts (
  mention_key text COLLATE "C" NOT NULL REFERENCES @schema@.mentions (key) ON UPDATE CASCADE ON DELETE CASCADE,
  person_key text COLLATE "C" NOT NULL,
  state text NOT NULL,
  via text[],
  direct boolean,
  permissions text[],
  notify text[],
  PRIMARY KEY (mention_key, person_key)
);
CREATE INDEX mention_alerts_person ON @schema@.mention_alerts (person_key);
