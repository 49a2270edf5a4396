-- Views and functions ready for use, and what everything means. All names are qualified: search_path decides nothing here.

-- Half-open like everywhere in Rollcall; a span that closes at or before it opens ends on the next day, unless that day has an
-- exception.
CREATE FUNCTION @schema@.is_open(schedule_key text, at timestamptz DEFAULT now()) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE s.mode WHEN 'AlwaysOpen' THEN true WHEN 'AlwaysClosed' THEN false ELSE (
    WITH clock AS (
      SELECT (is_open.at AT TIME ZONE s.time_zone)::date AS today, to_char(is_open.at AT TIME ZONE s.time_zone, 'HH24:MI') AS minute
    ), exceptional AS (
      SELECT x.date, x.spans FROM @schema@.schedule_exceptions x WHERE x.schedule_key = s.key
    ), hours AS (
      SELECT d.day, h.opens, h.closes
        FROM clock, LATERAL (VALUES (clock.today), (clock.today - 1)) AS d(day)
        JOIN @schema@.schedule_hours h ON h.schedule_key = s.key AND h.day = to_char(d.day, 'FMDay')
       WHERE NOT EXISTS (SELECT FROM exceptional x WHERE x.date = d.day)
      UNION ALL
      SELECT x.date, span ->> 'open', span ->> 'close'
        FROM exceptional x, LATERAL jsonb_array_elements(CASE jsonb_typeof(x.spans) WHEN 'array' THEN x.spans ELSE '[]' END) AS span
    )
    SELECT EXISTS (
      SELECT FROM hours, clock
       WHERE (hours.day = clock.today AND hours.opens COLLATE "C" <= clock.minute
              AND (hours.closes COLLATE "C" <= hours.opens OR clock.minute COLLATE "C" < hours.closes))
          OR (hours.day = clock.today - 1 AND hours.closes COLLATE "C" <= hours.opens AND clock.minute COLLATE "C" < hours.closes
              AND NOT EXISTS (SELECT FROM exceptional x WHERE x.date = clock.today))
    )
  ) END
  FROM @schema@.schedules s WHERE s.key = is_open.schedule_key
$$;
COMMENT ON FUNCTION @schema@.is_open IS 'Whether a schedule is open at an instant, in its own time zone. NULL: there is no such schedule.';

CREATE VIEW @schema@.profile_access AS
  SELECT p.profile, a.key AS person_key, a.name, a.username, a.account_role, g.permissions, g.approval_required, g.content_visibility,
         coalesce(g.all_profiles, false) AS all_profiles
    FROM @schema@.access a
    JOIN @schema@.access_grants g ON g.person_key = a.key
    CROSS JOIN LATERAL unnest(g.profiles) AS p(profile)
   WHERE a.in_effect AND a.active;
COMMENT ON VIEW @schema@.profile_access IS 'What everybody may do on each profile, in effect now.';

CREATE VIEW @schema@.profile_answerers AS
  SELECT x.profile, x.person_key, x.name, x.username,
         EXISTS (SELECT FROM unnest(x.approval_required) AS r(permission) WHERE r.permission LIKE '%.reply') AS approval_required
    FROM @schema@.profile_access x
   WHERE EXISTS (SELECT FROM unnest(x.permissions) AS p(permission) WHERE p.permission LIKE '%.reply');
COMMENT ON VIEW @schema@.profile_answerers IS 'Who can answer which profile: everybody who may reply there. approval_required: somebody else has to approve the reply.';

CREATE VIEW @schema@.lineup AS
  SELECT r.key AS route_key, r.target_kind, r.name AS target, r.display_name AS target_display_name, r.strategy, r.extension AS target_extension,
         row_number() OVER (PARTITION BY r.key ORDER BY c.ordinal) AS turn,
         c.person_key, c.name AS person, c.extension, c."position", c.skill_score, c.max_chats, c.channels, c.groups,
         r.max_ring_ms, r.max_group_dialing_ms
    FROM @schema@.routes r
    JOIN @schema@.route_candidates c ON c.route_key = r.key
   WHERE r.in_effect
     AND (c.absence IS NULL OR now() < (c.absence ->> 'from')::timestamptz OR now() >= (c.absence ->> 'until')::timestamptz)
     AND (coalesce(c.schedule_key, '') = '' OR coalesce(@schema@.is_open(c.schedule_key), true));
COMMENT ON VIEW @schema@.lineup IS 'Who is offered items of each target now, in turn: the plan without those who are absent or outside their own hours. With the strategy Random the order is that of the plan, and the switch chooses.';

CREATE VIEW @schema@.next_in_line AS
  SELECT l.target AS department, l.target_display_name AS display_name, l.strategy, l.turn, l.person_key, l.person, l.max_chats, l.channels
    FROM @schema@.lineup l
   WHERE l.target_kind = 'Department';
COMMENT ON VIEW @schema@.next_in_line IS 'Who is next in line in each department; turn 1 comes first.';

CREATE VIEW @schema@.open_routes AS
  SELECT r.key AS route_key, r.target_kind, r.name AS target, r.in_effect,
         CASE
           WHEN coalesce(r.schedule_key, '') <> '' THEN coalesce(@schema@.is_open(r.schedule_key), true)
           WHEN EXISTS (SELECT FROM @schema@.route_pools p WHERE p.route_key = r.key) THEN EXISTS (
             SELECT FROM @schema@.route_pools p
              WHERE p.route_key = r.key AND (coalesce(p.schedule_key, '') = '' OR coalesce(@schema@.is_open(p.schedule_key), true)))
           ELSE true
         END AS open
    FROM @schema@.routes r;
COMMENT ON VIEW @schema@.open_routes IS 'Which targets are open now. Without hours of its own a target with pools is open while one of them is, any other one always.';

CREATE VIEW @schema@.pending_alerts AS
  SELECT a.person_key, m.name AS mention, m.conversation, m.profile, m.message, m.author_key, m.accepted_at, m.expires_at, a.permissions, a.via, a.direct
    FROM @schema@.mentions m
    JOIN @schema@.mention_alerts a ON a.mention_key = m.key
   WHERE m.in_effect AND a.state = 'Pending';
COMMENT ON VIEW @schema@.pending_alerts IS 'Who is waited for in which mention.';

COMMENT ON TABLE @schema@.people IS 'Everybody, one row a person. Kept by Rollcall: what it manages is put back when it is edited by hand.';
COMMENT ON COLUMN @schema@.people.id IS 'Stays the same when the key of the person is edited.';
COMMENT ON COLUMN @schema@.people.key IS 'Identity: directoryID=…, else employeeID=…, else email=…. Other tables refer to it as …_key.';
COMMENT ON COLUMN @schema@.people.name IS 'Name of the Teammate; it may change.';
COMMENT ON COLUMN @schema@.people.organization IS 'Namespace of the organization that wrote the row; NULL: made by hand.';
COMMENT ON COLUMN @schema@.people.in_effect IS 'false: the row confers nothing, and the account is to be disabled.';
COMMENT ON COLUMN @schema@.people.active IS 'The gate. false: the person may do nothing.';
COMMENT ON COLUMN @schema@.people.phase IS 'Invalid, Scheduled, Invited, AwaitingConfirmation, CardIncomplete, PendingReview, Active, Blocked, Ended or Archived.';
COMMENT ON COLUMN @schema@.people.listing IS 'Active, Invited, Archived or Invalid.';
COMMENT ON COLUMN @schema@.people.leader_key IS 'Team leader in effect; empty: none.';
COMMENT ON COLUMN @schema@.people.max_chats IS 'Chats at a time; -1: any number.';
COMMENT ON COLUMN @schema@.people.channels IS 'Channels the person takes; empty: all.';
COMMENT ON COLUMN @schema@.people.schedule IS 'Name of the schedule with the person''s own hours; empty: none.';
COMMENT ON TABLE @schema@.person_skills IS 'Skills of people and their levels, from 1.';
COMMENT ON TABLE @schema@.person_tags IS 'Labels on people; color is #rrggbb.';
COMMENT ON TABLE @schema@.person_absences IS 'Planned absences; a bound that is NULL is open.';
COMMENT ON TABLE @schema@.groups IS 'User groups, also those that are disabled.';
COMMENT ON COLUMN @schema@.groups.in_effect IS 'false: disabled, or without any member.';
COMMENT ON COLUMN @schema@.groups.supervisors IS 'Keys of people.';
COMMENT ON COLUMN @schema@.groups.profile_role IS 'What membership confers on the profiles; empty: nothing.';
COMMENT ON TABLE @schema@.memberships IS 'Who is in which group, through included groups too.';
COMMENT ON COLUMN @schema@.memberships.active IS 'The gate of the person. false: a member who may do nothing.';
COMMENT ON COLUMN @schema@.memberships."position" IS 'Place in the order of ringing.';
COMMENT ON COLUMN @schema@.memberships.until IS 'When the membership ends by itself; NULL: not.';
COMMENT ON TABLE @schema@.access IS 'What everybody may do in the organization; on profiles: access_grants.';
COMMENT ON COLUMN @schema@.access.gate_reason IS 'Why the gate is closed.';
COMMENT ON COLUMN @schema@.access.permissions IS 'Of the organization, not of profiles.';
COMMENT ON TABLE @schema@.access_grants IS 'What somebody may do on some profiles. No profile is in two grants of a person.';
COMMENT ON COLUMN @schema@.access_grants.profiles IS 'Names of the profiles, written out also where all are meant.';
COMMENT ON COLUMN @schema@.access_grants.approval_required IS 'Permissions whose use somebody else has to approve.';
COMMENT ON TABLE @schema@.routes IS 'Routing plans of groups, departments, queues and campaigns. Times are in milliseconds.';
COMMENT ON COLUMN @schema@.routes.key IS 'Kind and name of the target: usergroup-support.';
COMMENT ON COLUMN @schema@.routes.strategy IS 'How candidates are chosen: Simultaneous, Sequential, Random and others.';
COMMENT ON COLUMN @schema@.routes.cap_legs IS 'The most legs that ring at once, by cap_scope; NULL: no limit.';
COMMENT ON COLUMN @schema@.routes.caller_id IS 'Number that outgoing calls show; empty: none.';
COMMENT ON COLUMN @schema@.routes.schedule_key IS 'Hours of the target; empty: see the view open_routes.';
COMMENT ON TABLE @schema@.route_profiles IS 'Profiles whose items arrive at a target, with the number of telephones.';
COMMENT ON TABLE @schema@.route_candidates IS 'Who a target may offer items to, in the order of its strategy. See the view lineup.';
COMMENT ON TABLE @schema@.route_pools IS 'Groups of a department.';
COMMENT ON TABLE @schema@.schedules IS 'Opening hours. Nothing here changes when something opens or closes: see is_open().';
COMMENT ON TABLE @schema@.schedule_hours IS 'Hours of a weekday, HH:MM local time; closing at or before opening is past midnight.';
COMMENT ON TABLE @schema@.schedule_exceptions IS 'Replace the hours of one date; no spans: closed.';
COMMENT ON TABLE @schema@.mentions IS 'Mentions and notifications.';
COMMENT ON TABLE @schema@.mention_alerts IS 'Who a mention alerts: Pending, Resolved, Closed or Suspended.';
COMMENT ON COLUMN @schema@.mention_alerts.permissions IS 'What a Pending alert grants on the conversation.';
COMMENT ON TABLE @schema@.migrations IS 'Versions of this schema that were applied.';
