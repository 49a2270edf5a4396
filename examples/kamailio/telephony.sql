-- What the switch keeps and decides in the database, in a schema of its own beside that of Rollcall ("rollcall"; edit it here if
-- yours has another name). README.md says which roles it wants. It may be run again after an update.
--
-- Everything is read when it is needed and nothing is copied, so that the next call, and the next leg of this one, follow the
-- latest plan. Functions look tables up when they run: Rollcall can replace its tables and views without asking this schema.
-- Bytes that came from the network arrive as bytea in hexadecimal, which leaves nothing to escape.
BEGIN;
CREATE SCHEMA IF NOT EXISTS telephony;

CREATE TABLE IF NOT EXISTS telephony.settings (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  least_calls_window interval NOT NULL DEFAULT '24 hours',
  extension_ring interval NOT NULL DEFAULT '30 seconds',
  longest_call interval NOT NULL DEFAULT '4 hours',
  voicemail_uri text, queue_uri text, trunk_uri text,
  emergency_numbers text[] NOT NULL DEFAULT '{112,911}'
);
COMMENT ON TABLE telephony.settings IS 'One row. In URIs %s stands for the name of the group or queue, or for the number that is called.';
COMMENT ON COLUMN telephony.settings.least_calls_window IS 'voice.leastCallsWindow of the Organization.';
INSERT INTO telephony.settings DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS telephony.trunks (address inet PRIMARY KEY);
COMMENT ON TABLE telephony.trunks IS 'Where calls from outside come from. Nobody else is believed without a password.';

CREATE TABLE IF NOT EXISTS telephony.phones (extension text PRIMARY KEY, ha1 text NOT NULL);
COMMENT ON COLUMN telephony.phones.ha1 IS 'md5 of extension:realm:password.';

-- Registrations, with the columns that Kamailio 5.6 expects; times are seconds since 1970.
CREATE TABLE IF NOT EXISTS telephony.location (
  id serial PRIMARY KEY, ruid varchar(64) NOT NULL DEFAULT '' UNIQUE, username varchar(64) NOT NULL DEFAULT '', domain varchar(64),
  contact varchar(512) NOT NULL DEFAULT '', received varchar(128), path varchar(512), expires bigint NOT NULL DEFAULT 0,
  q real NOT NULL DEFAULT 1.0, callid varchar(255) NOT NULL DEFAULT '', cseq integer NOT NULL DEFAULT 1,
  last_modified bigint NOT NULL DEFAULT 0, flags integer NOT NULL DEFAULT 0, cflags integer NOT NULL DEFAULT 0,
  user_agent varchar(255) NOT NULL DEFAULT '', socket varchar(64), methods integer, instance varchar(255),
  reg_id integer NOT NULL DEFAULT 0, server_id integer NOT NULL DEFAULT 0, connection_id integer NOT NULL DEFAULT 0,
  keepalive integer NOT NULL DEFAULT 0, partition integer NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS location_username ON telephony.location (username);
CREATE INDEX IF NOT EXISTS location_expires ON telephony.location (expires);

CREATE TABLE IF NOT EXISTS telephony.calls (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  call_id text NOT NULL, caller text NOT NULL, number text NOT NULL,
  state text NOT NULL DEFAULT 'Dialing' CHECK (state IN ('Dialing', 'Answered', 'Ended')),
  began timestamptz NOT NULL DEFAULT clock_timestamp(), answered timestamptz, ended timestamptz,
  answered_by text, outcome text,
  route_key text, extension text, dial_until timestamptz, turn integer NOT NULL DEFAULT 0, rang boolean NOT NULL DEFAULT false,
  passed_on text, hops integer NOT NULL DEFAULT 0, tindex bigint, tlabel bigint, waits timestamptz, wait_tindex bigint, wait_tlabel bigint,
  seen timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX IF NOT EXISTS calls_open ON telephony.calls (call_id) WHERE state <> 'Ended';
CREATE INDEX IF NOT EXISTS calls_began ON telephony.calls (began);
COMMENT ON TABLE telephony.calls IS 'One row a call. It is closed when the call ends; one that the switch has not seen for 90 seconds counts as ended.';
COMMENT ON COLUMN telephony.calls.route_key IS 'The target that is dialled now, as in rollcall.routes; NULL: a person''s extension, or somebody outside.';
COMMENT ON COLUMN telephony.calls.turn IS 'Sequential: place of the last one rung in this pass; rang: whether the pass really rang somebody.';
COMMENT ON COLUMN telephony.calls.tindex IS 'The call, and the leg that stands for waiting, as the switch knows them; waits: since when it waits.';
COMMENT ON COLUMN telephony.calls.passed_on IS 'Where it was sent, if nobody here rings any more.';

CREATE TABLE IF NOT EXISTS telephony.legs (
  call bigint NOT NULL REFERENCES telephony.calls ON DELETE CASCADE,
  ordinal integer NOT NULL, route_key text, person_key text NOT NULL, name text NOT NULL, extension text NOT NULL, contacts text[] NOT NULL,
  state text NOT NULL DEFAULT 'Ringing' CHECK (state IN ('Ringing', 'Answered', 'Rejected', 'Unanswered', 'Cancelled')),
  began timestamptz NOT NULL DEFAULT clock_timestamp(), until timestamptz NOT NULL, ended timestamptz,
  PRIMARY KEY (call, ordinal)
);
CREATE INDEX IF NOT EXISTS legs_received ON telephony.legs (person_key, began);
CREATE INDEX IF NOT EXISTS legs_ringing ON telephony.legs (person_key) WHERE state IN ('Ringing', 'Answered');
COMMENT ON TABLE telephony.legs IS 'One row each time that a call was offered to somebody: the calls received that Random counts. contacts: the telephones that still ring.';

-- What the switch is to do. ring: all contacts, for so many milliseconds; wait: at most so many milliseconds, then ask again; send: to
-- somebody who is no telephone of ours; end: with that answer.
DO $$ BEGIN
  CREATE TYPE telephony.step AS (action text, uri text, ms integer, code integer, reason text, caller_id text);
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

-- Text that came from the network. What is no UTF-8 stays recognizable and matches nothing.
CREATE OR REPLACE FUNCTION telephony.plain(raw bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN convert_from(raw, 'UTF8');
EXCEPTION WHEN OTHERS THEN RETURN encode(raw, 'escape');
END $$;

-- Steps of the same switch are taken one after another, so that two calls never choose the same person at once.
CREATE OR REPLACE FUNCTION telephony.in_turn() RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
  SELECT pg_advisory_xact_lock(hashtext('telephony'))
$$;

-- Contacts of an extension that are registered now; the preferred one first.
CREATE OR REPLACE FUNCTION telephony.contacts(of_extension text) RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT array_agg(l.contact::text ORDER BY l.q DESC, l.last_modified DESC, l.id) FROM telephony.location l
   WHERE l.username = of_extension AND (l.expires = 0 OR l.expires > extract(epoch FROM clock_timestamp()))
$$;

-- Whether somebody's telephone rings or they are on the telephone. A call that the switch lost sight of does not count.
CREATE OR REPLACE FUNCTION telephony.busy(person text, of_extension text) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT EXISTS (
    SELECT FROM telephony.legs g JOIN telephony.calls c ON c.id = g.call
     WHERE g.person_key = person AND c.state <> 'Ended' AND c.seen > clock_timestamp() - interval '90 seconds'
       AND (g.state = 'Answered' OR g.state = 'Ringing' AND g.until > clock_timestamp() - interval '5 seconds')
  ) OR EXISTS (
    SELECT FROM telephony.calls c WHERE c.caller = of_extension AND c.state <> 'Ended' AND c.seen > clock_timestamp() - interval '90 seconds'
  )
$$;

-- Candidates of a plan who can be rung now: on duty (the view lineup), registered, and not on the telephone.
SET LOCAL check_function_bodies = off; -- Rollcall may bring its tables later
CREATE OR REPLACE FUNCTION telephony.ready(of_route text)
RETURNS TABLE (ordinal integer, person_key text, name text, extension text, contacts text[], received bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT c.ordinal, c.person_key, c.name, c.extension, k.contacts, (
           SELECT count(*) FROM telephony.legs g
            WHERE g.person_key = c.person_key AND g.began > clock_timestamp() - (SELECT s.least_calls_window FROM telephony.settings s))
    FROM rollcall.lineup l
    JOIN rollcall.route_candidates c ON c.route_key = l.route_key AND c.person_key = l.person_key
    CROSS JOIN LATERAL telephony.contacts(c.extension) AS k(contacts)
   WHERE l.route_key = of_route AND c.extension <> '' AND k.contacts IS NOT NULL AND NOT telephony.busy(c.person_key, c.extension)
   ORDER BY c.ordinal
$$;
SET LOCAL check_function_bodies = on;

CREATE OR REPLACE FUNCTION telephony.offer(of_call bigint, of_route text, person text, person_name text, to_extension text, at_contacts text[], ring interval)
RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
  INSERT INTO telephony.legs (call, ordinal, route_key, person_key, name, extension, contacts, until)
  SELECT of_call, 1 + (SELECT coalesce(max(g.ordinal), 0) FROM telephony.legs g WHERE g.call = of_call), of_route, person, person_name, to_extension,
         at_contacts, clock_timestamp() + ring
$$;

-- Simultaneous: starts legs up to the cap; over it those with the fewest calls received ring first, then by name. Nobody is rung
-- twice for one call.
CREATE OR REPLACE FUNCTION telephony.ring_more(of_call bigint) RETURNS TABLE (extension text, contacts text[])
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  c telephony.calls; cap integer; scope text; one record;
BEGIN
  SELECT * INTO STRICT c FROM telephony.calls WHERE calls.id = of_call;
  SELECT r.cap_legs, r.cap_scope INTO cap, scope FROM rollcall.routes r WHERE r.key = c.route_key;
  cap := cap - (SELECT count(*) FROM telephony.legs g JOIN telephony.calls o ON o.id = g.call
                 WHERE g.state = 'Ringing' AND g.until > clock_timestamp() - interval '5 seconds' AND o.state = 'Dialing'
                   AND CASE scope WHEN 'PerGroup' THEN g.route_key = c.route_key ELSE g.call = of_call END);
  FOR one IN
    SELECT x.* FROM (
      SELECT r.* FROM telephony.ready(c.route_key) r
       WHERE NOT EXISTS (SELECT FROM telephony.legs g WHERE g.call = of_call AND g.route_key = c.route_key AND g.person_key = r.person_key)
       ORDER BY r.received, r.name COLLATE "C" LIMIT greatest(cap, 0)
    ) x ORDER BY x.ordinal
  LOOP
    PERFORM telephony.offer(of_call, c.route_key, one.person_key, one.name, one.extension, one.contacts, c.dial_until - clock_timestamp());
    extension := one.extension;
    contacts := one.contacts;
    RETURN NEXT;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION telephony.finish(of_call bigint, how text) RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
  UPDATE telephony.legs SET state = 'Cancelled', ended = clock_timestamp() WHERE call = of_call AND state = 'Ringing';
  UPDATE telephony.calls SET state = 'Ended', ended = clock_timestamp(), outcome = how WHERE id = of_call AND state <> 'Ended';
$$;

-- Where a call goes that the target does not take. NULL: another group is dialled now.
CREATE OR REPLACE FUNCTION telephony.pass_on(of_call bigint, to_type text, to_name text, why text) RETURNS telephony.step
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  c telephony.calls; uri text;
BEGIN
  SELECT * INTO STRICT c FROM telephony.calls WHERE id = of_call;
  IF to_type = 'UserGroup' AND c.hops < 20 THEN
    UPDATE telephony.calls SET route_key = 'usergroup-' || to_name, dial_until = NULL, turn = 0, rang = false, hops = hops + 1 WHERE id = of_call;
    RETURN NULL;
  END IF;
  SELECT CASE to_type
           WHEN 'Queue' THEN replace(s.queue_uri, '%s', to_name)
           WHEN 'Voicemail' THEN replace(s.voicemail_uri, '%s', (SELECT r.name FROM rollcall.routes r WHERE r.key = c.route_key))
         END INTO uri FROM telephony.settings s;
  IF uri IS NOT NULL THEN
    UPDATE telephony.calls SET passed_on = uri WHERE id = of_call;
    RETURN ('send', uri, 60000, NULL, why, NULL)::telephony.step;
  END IF;
  PERFORM telephony.finish(of_call, why);
  RETURN ('end', NULL, NULL, 480, why, NULL)::telephony.step;
END $$;

-- The next step of a call. Legs that rang are over when it is asked for, but for those that join a Simultaneous call.
CREATE OR REPLACE FUNCTION telephony.decide(of_call bigint) RETURNS SETOF telephony.step LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  c telephony.calls; r record; one record; out telephony.step; left_ms integer; ring_ms integer; found_one boolean;
BEGIN
  LOOP
    SELECT * INTO STRICT c FROM telephony.calls WHERE id = of_call;
    SELECT * INTO r FROM rollcall.routes WHERE key = c.route_key AND in_effect;
    out := NULL;
    IF c.state <> 'Dialing' THEN
      RETURN NEXT ('end', NULL, NULL, 487, 'Request Terminated', NULL)::telephony.step;
      RETURN;
    ELSIF r.key IS NULL THEN -- it went while this call was dialling
      out := telephony.pass_on(of_call, 'Hangup', NULL, 'Nobody is there any more');
    ELSIF r.target_kind = 'Queue' THEN
      out := telephony.pass_on(of_call, 'Queue', r.name, 'Queue');
    ELSIF r.target_kind <> 'UserGroup' THEN
      out := telephony.pass_on(of_call, 'Hangup', NULL, 'Not answered by telephone');
    ELSIF c.dial_until IS NULL AND coalesce(r.schedule_key, '') <> '' AND NOT coalesce(rollcall.is_open(r.schedule_key, clock_timestamp()), true) THEN
      out := telephony.pass_on(of_call, r.out_of_hours_type, r.out_of_hours_name, 'Closed');
      CONTINUE WHEN out.action IS NULL;
    END IF;
    IF out.action IS NOT NULL THEN
      RETURN NEXT out;
      RETURN;
    END IF;

    IF c.dial_until IS NULL THEN
      c.dial_until := clock_timestamp() + CASE r.strategy WHEN 'Sequential' THEN r.max_group_dialing_ms ELSE r.max_ring_ms END * interval '1 ms';
      UPDATE telephony.calls SET dial_until = c.dial_until WHERE id = of_call;
    END IF;
    left_ms := extract(epoch FROM c.dial_until - clock_timestamp()) * 1000;
    found_one := false;
    -- Less is what timers are off by, and nobody answers a telephone that rings for a moment.
    IF left_ms >= (CASE r.strategy WHEN 'Simultaneous' THEN 50 ELSE 300 END) THEN
      CASE r.strategy
      WHEN 'Simultaneous' THEN
        FOR one IN SELECT unnest(m.contacts) AS contact FROM telephony.ring_more(of_call) m LOOP
          found_one := true;
          RETURN NEXT ('ring', one.contact, left_ms, NULL, NULL, NULL)::telephony.step;
        END LOOP;
        IF NOT found_one THEN -- somebody may come before the time is over: joiners()
          RETURN NEXT ('wait', NULL, left_ms, NULL, NULL, NULL)::telephony.step;
        END IF;
        RETURN;
      WHEN 'Random' THEN
        IF c.turn = 0 THEN
          SELECT * INTO one FROM telephony.ready(c.route_key) x ORDER BY x.received, random() LIMIT 1;
          found_one := FOUND;
          ring_ms := left_ms;
          UPDATE telephony.calls SET turn = 1 WHERE id = of_call;
        END IF;
      WHEN 'Sequential' THEN
        SELECT * INTO one FROM telephony.ready(c.route_key) x WHERE x.ordinal >= c.turn ORDER BY x.ordinal LIMIT 1;
        IF NOT FOUND AND c.rang THEN -- from the start again
          UPDATE telephony.calls SET turn = 0, rang = false WHERE id = of_call;
          CONTINUE;
        END IF;
        IF NOT FOUND THEN
          UPDATE telephony.calls SET turn = 0 WHERE id = of_call;
          RETURN NEXT ('wait', NULL, left_ms, NULL, NULL, NULL)::telephony.step; -- joiners() ends it, after a second at least
          RETURN;
        END IF;
        found_one := true;
        ring_ms := least(r.max_ring_ms, left_ms);
        UPDATE telephony.calls SET turn = one.ordinal + 1 WHERE id = of_call;
      ELSE
        NULL; -- not a way to dial
      END CASE;
      IF found_one THEN
        PERFORM telephony.offer(of_call, c.route_key, one.person_key, one.name, one.extension, one.contacts, ring_ms * interval '1 ms');
        RETURN QUERY SELECT 'ring', k, ring_ms, NULL::integer, NULL, NULL FROM unnest(one.contacts) AS k;
        RETURN;
      END IF;
    END IF;
    out := telephony.pass_on(of_call, r.overflow_type, r.overflow_name, 'Nobody answered');
    IF out.action IS NOT NULL THEN
      RETURN NEXT out;
      RETURN;
    END IF;
  END LOOP;
END $$;

-- A call from somebody with an extension to a number that is none of ours.
CREATE OR REPLACE FUNCTION telephony.call_out(of_call bigint, dialled text, from_extension text, wanted text) RETURNS telephony.step
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  s telephony.settings; voice jsonb; shown text;
BEGIN
  SELECT * INTO STRICT s FROM telephony.settings;
  SELECT a.voice INTO voice FROM rollcall.people p JOIN rollcall.access a ON a.key = p.key AND a.in_effect AND a.active
   WHERE p.extension = from_extension AND p.in_effect;
  IF dialled <> ALL (s.emergency_numbers) AND NOT coalesce((voice ->> 'outboundCalls')::boolean, false) THEN
    PERFORM telephony.finish(of_call, 'Forbidden');
    RETURN ('end', NULL, NULL, 403, 'No calls to the outside', NULL)::telephony.step;
  ELSIF s.trunk_uri IS NULL OR dialled <> ALL (s.emergency_numbers) AND dialled !~ '^\+?[0-9]{3,20}$' THEN
    PERFORM telephony.finish(of_call, 'Unknown number');
    RETURN ('end', NULL, NULL, 404, 'Not Found', NULL)::telephony.step;
  END IF;
  shown := coalesce(voice ->> 'callerID', '');
  IF coalesce((voice ->> 'agentsCanChangeCallerID')::boolean, false) AND EXISTS (
    SELECT FROM rollcall.route_profiles p WHERE p.number = wanted UNION ALL SELECT FROM rollcall.routes r WHERE r.caller_id = wanted
  ) THEN
    shown := wanted;
  END IF;
  UPDATE telephony.calls SET passed_on = replace(s.trunk_uri, '%s', dialled) WHERE id = of_call;
  RETURN ('send', replace(s.trunk_uri, '%s', dialled), 180000, NULL, 'Outside', nullif(shown, ''))::telephony.step;
END $$;

-- The ways in, for the switch. ------------------------------------------------------------------------------------------------

-- Whether calls from an address are believed to come from outside.
CREATE OR REPLACE FUNCTION telephony.is_trunk(address text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT EXISTS (SELECT FROM telephony.trunks t WHERE t.address >>= is_trunk.address::inet)
$$;

-- What proves who somebody is; nothing for an extension that no person has who may work.
SET LOCAL check_function_bodies = off; -- Rollcall may bring its tables later
CREATE OR REPLACE FUNCTION telephony.secret(of_extension bytea) RETURNS TABLE (ha1 text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT t.ha1 FROM telephony.phones t JOIN rollcall.people p ON p.extension = t.extension AND p.in_effect AND p.active
   WHERE t.extension = telephony.plain(of_extension)
$$;
SET LOCAL check_function_bodies = on;

-- A call arrives, from the outside (no extension) or from a telephone of ours.
CREATE OR REPLACE FUNCTION telephony.arrive(raw_call_id bytea, in_tindex bigint, in_tlabel bigint, raw_number bytea, raw_extension bytea, raw_wanted bytea)
RETURNS SETOF telephony.step LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  dialled text := telephony.plain(raw_number); from_extension text := telephony.plain(raw_extension); target text; person record; one bigint; ring interval;
BEGIN
  PERFORM telephony.in_turn();
  SELECT coalesce(
    (SELECT p.route_key FROM rollcall.route_profiles p JOIN rollcall.routes r ON r.key = p.route_key AND r.in_effect
      WHERE p.number <> '' AND p.number IN (dialled, '+' || dialled) ORDER BY p.route_key LIMIT 1),
    (SELECT r.key FROM rollcall.routes r WHERE from_extension <> '' AND r.extension = dialled AND r.in_effect ORDER BY r.key LIMIT 1)
  ) INTO target;
  INSERT INTO telephony.calls (call_id, caller, number, route_key, tindex, tlabel)
  VALUES (telephony.plain(raw_call_id), from_extension, dialled, target, in_tindex, in_tlabel) RETURNING id INTO one;
  IF target IS NOT NULL THEN
    RETURN QUERY SELECT * FROM telephony.decide(one);
    RETURN;
  ELSIF from_extension = '' THEN
    PERFORM telephony.finish(one, 'Unknown number');
    RETURN NEXT ('end', NULL, NULL, 404, 'Not Found', NULL)::telephony.step;
    RETURN;
  END IF;
  SELECT p.key, p.name, p.active AND p.in_effect AS works, telephony.contacts(p.extension) AS contacts INTO person
    FROM rollcall.people p WHERE p.extension = dialled AND dialled <> '' ORDER BY p.key LIMIT 1;
  IF FOUND AND (NOT person.works OR person.contacts IS NULL) THEN
    PERFORM telephony.finish(one, 'Not there');
    RETURN NEXT ('end', NULL, NULL, 480, 'Not there', NULL)::telephony.step;
  ELSIF FOUND THEN
    SELECT s.extension_ring INTO ring FROM telephony.settings s;
    PERFORM telephony.offer(one, NULL, person.key, person.name, dialled, person.contacts, ring);
    UPDATE telephony.calls SET extension = dialled WHERE id = one;
    RETURN QUERY SELECT 'ring', k, (extract(epoch FROM ring) * 1000)::integer, NULL::integer, NULL, NULL FROM unnest(person.contacts) AS k;
  ELSIF EXISTS (SELECT FROM rollcall.groups g WHERE g.extension = dialled AND dialled <> '') THEN -- a group that takes no calls
    PERFORM telephony.finish(one, 'Disabled');
    RETURN NEXT ('end', NULL, NULL, 480, 'Not in service', NULL)::telephony.step;
  ELSE
    RETURN NEXT telephony.call_out(one, dialled, from_extension, telephony.plain(raw_wanted));
  END IF;
END $$;

-- Nobody rings any more, or a wait is over. The transaction may be another one by now. rejected: the last one said no.
CREATE OR REPLACE FUNCTION telephony.next(raw_call_id bytea, in_tindex bigint, in_tlabel bigint, rejected boolean)
RETURNS SETOF telephony.step LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  c telephony.calls; joining boolean;
BEGIN
  PERFORM telephony.in_turn();
  UPDATE telephony.calls SET tindex = in_tindex, tlabel = in_tlabel, seen = clock_timestamp(), waits = NULL
   WHERE call_id = telephony.plain(raw_call_id) AND state = 'Dialing' RETURNING * INTO c;
  IF NOT FOUND THEN
    RETURN NEXT ('end', NULL, NULL, 487, 'Request Terminated', NULL)::telephony.step;
    RETURN;
  END IF;
  -- A telephone that refuses at once, again and again, must not be asked without a pause: a pass in which nobody rang for a
  -- second counts as one without anybody.
  UPDATE telephony.calls SET rang = rang OR EXISTS (
      SELECT FROM telephony.legs g WHERE g.call = c.id AND g.state = 'Ringing' AND (NOT rejected OR g.began < clock_timestamp() - interval '1 second'))
   WHERE id = c.id;
  -- All telephones of a Simultaneous call said no: a leg that is left joins at this moment.
  joining := c.dial_until > clock_timestamp() + interval '50 ms' AND EXISTS (
    SELECT FROM rollcall.routes r WHERE r.key = c.route_key AND r.strategy = 'Simultaneous');
  UPDATE telephony.legs SET state = CASE WHEN rejected THEN 'Rejected' ELSE 'Unanswered' END, ended = clock_timestamp()
   WHERE call = c.id AND state = 'Ringing' AND (contacts = '{}' OR NOT joining);
  IF c.passed_on IS NOT NULL OR c.route_key IS NULL THEN
    PERFORM telephony.finish(c.id, 'Nobody answered');
    RETURN NEXT ('end', NULL, NULL, 480, 'Nobody answered', NULL)::telephony.step;
    RETURN;
  END IF;
  RETURN QUERY SELECT * FROM telephony.decide(c.id);
END $$;

-- One telephone said no, or does not answer at all.
CREATE OR REPLACE FUNCTION telephony.leg_over(raw_call_id bytea, raw_contact bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  contact text := telephony.plain(raw_contact);
BEGIN
  PERFORM telephony.in_turn();
  UPDATE telephony.legs g SET contacts = array_remove(g.contacts, contact) FROM telephony.calls c
   WHERE c.id = g.call AND c.call_id = telephony.plain(raw_call_id) AND c.state = 'Dialing' AND g.state = 'Ringing' AND contact = ANY (g.contacts);
  -- The last leg is left to next(), which wants to know how it ended.
  UPDATE telephony.legs g SET state = 'Rejected', ended = clock_timestamp() FROM telephony.calls c
   WHERE c.id = g.call AND c.call_id = telephony.plain(raw_call_id) AND c.state = 'Dialing' AND g.state = 'Ringing' AND g.contacts = '{}'
     AND EXISTS (SELECT FROM telephony.legs o WHERE o.call = g.call AND o.state = 'Ringing' AND o.contacts <> '{}');
END $$;

-- The leg that stands for waiting has begun.
CREATE OR REPLACE FUNCTION telephony.waits(raw_call_id bytea, in_tindex bigint, in_tlabel bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT telephony.in_turn();
  UPDATE telephony.calls SET waits = clock_timestamp(), wait_tindex = in_tindex, wait_tlabel = in_tlabel
   WHERE call_id = telephony.plain(raw_call_id) AND state = 'Dialing'
$$;

-- Legs that start beside those that ring, under Simultaneous: somebody became ready, or a leg became free under the cap. No
-- extension: a call under Sequential that waits is to be woken, since somebody became ready. The switch knows a call by two numbers
-- of 32 bits.
CREATE OR REPLACE FUNCTION telephony.joiners() RETURNS TABLE (tindex integer, tlabel integer, extension text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  c telephony.calls;
BEGIN
  IF NOT EXISTS (SELECT FROM telephony.calls o WHERE o.state <> 'Ended') THEN RETURN; END IF;
  PERFORM telephony.in_turn();
  PERFORM telephony.finish(o.id, 'Lost') FROM telephony.calls o CROSS JOIN telephony.settings s
   WHERE o.state <> 'Ended' AND (o.seen < clock_timestamp() - interval '90 seconds' AND coalesce(o.dial_until, '-infinity') < clock_timestamp()
      OR o.began < clock_timestamp() - s.longest_call);
  FOR c IN
    SELECT o.* FROM telephony.calls o JOIN rollcall.routes r ON r.key = o.route_key
     WHERE o.state = 'Dialing' AND o.passed_on IS NULL AND r.strategy = 'Simultaneous' AND o.dial_until > clock_timestamp() + interval '100 ms'
       AND o.began < clock_timestamp() - interval '100 ms' ORDER BY o.id
  LOOP
    RETURN QUERY SELECT c.tindex::bit(32)::integer, c.tlabel::bit(32)::integer, m.extension FROM telephony.ring_more(c.id) m;
  END LOOP;
  FOR c IN
    SELECT o.* FROM telephony.calls o JOIN rollcall.routes r ON r.key = o.route_key
     WHERE o.state = 'Dialing' AND o.passed_on IS NULL AND r.strategy = 'Sequential' AND o.waits < clock_timestamp() - interval '1 second'
       AND EXISTS (SELECT FROM telephony.ready(o.route_key)) ORDER BY o.id
  LOOP
    UPDATE telephony.calls SET waits = NULL WHERE id = c.id;
    RETURN QUERY SELECT c.wait_tindex::bit(32)::integer, c.wait_tlabel::bit(32)::integer, '';
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION telephony.answered(raw_call_id bytea, raw_contact bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  one bigint;
BEGIN
  PERFORM telephony.in_turn();
  UPDATE telephony.calls SET state = 'Answered', answered = clock_timestamp(), seen = clock_timestamp()
   WHERE call_id = telephony.plain(raw_call_id) AND state = 'Dialing' RETURNING id INTO one;
  UPDATE telephony.legs SET state = 'Answered', ended = clock_timestamp()
   WHERE call = one AND state = 'Ringing' AND telephony.plain(raw_contact) = ANY (contacts);
  UPDATE telephony.legs SET state = 'Cancelled', ended = clock_timestamp() WHERE call = one AND state = 'Ringing';
  UPDATE telephony.calls SET answered_by = (SELECT g.person_key FROM telephony.legs g WHERE g.call = one AND g.state = 'Answered' LIMIT 1) WHERE id = one;
END $$;

-- The switch still has this call.
CREATE OR REPLACE FUNCTION telephony.seen(raw_call_id bytea) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
  UPDATE telephony.calls SET seen = clock_timestamp() WHERE call_id = telephony.plain(raw_call_id) AND state <> 'Ended'
$$;

CREATE OR REPLACE FUNCTION telephony.over(raw_call_id bytea, how text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT telephony.in_turn();
  SELECT telephony.finish(c.id, CASE c.state WHEN 'Answered' THEN 'Answered' ELSE how END) FROM telephony.calls c
   WHERE c.call_id = telephony.plain(raw_call_id) AND c.state <> 'Ended'
$$;

-- The role of the switch may take these ways in and keep registrations, and nothing else: it sees no table of Rollcall's.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA telephony FROM PUBLIC;
GRANT USAGE ON SCHEMA telephony TO kamailio;
GRANT SELECT, INSERT, UPDATE, DELETE ON telephony.location TO kamailio;
GRANT USAGE ON SEQUENCE telephony.location_id_seq TO kamailio;
GRANT EXECUTE ON FUNCTION telephony.is_trunk, telephony.secret, telephony.arrive, telephony.next, telephony.leg_over, telephony.waits, telephony.joiners,
  telephony.answered, telephony.seen, telephony.over TO kamailio;
COMMIT;
