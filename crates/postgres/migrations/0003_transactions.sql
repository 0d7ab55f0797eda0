-- Jobs that are submitted inside of transactions of others. Such a transaction may stay open for long, so it takes none of
-- the locks that everybody waits for: neither the order of changes nor gates. What needs these is done after the commit, by
-- whoever looks first.

-- Which deployment this is, so that nobody submits into another one by mistake.
CREATE TABLE upnext.deployment (
    id uuid NOT NULL
);
INSERT INTO upnext.deployment (id) VALUES (gen_random_uuid());

-- Jobs whose beginning has no number in the order of changes yet.
CREATE TABLE upnext.arrivals (
    job bigint PRIMARY KEY                              -- jobs.seq
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- As before, but it does not wait for long behind a transaction of somebody else that holds one of the keys: it gives up with
-- lock_not_available, and the caller tries again without holding up others.
CREATE OR REPLACE FUNCTION upnext.enqueue_jobs(
    given_now bigint, ids uuid[], functions text[], names text[], types text[], priorities integer[], moments bigint[],
    delays bigint[], timeouts bigint[], retries text[], keys text[], parents uuid[], roots uuid[], sources text[],
    arguments text[], gate_keys text[], gate_limits integer[], cache_keys text[], cache_ttls bigint[], tag_lists text[])
RETURNS TABLE (id uuid, created boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    present bigint := coalesce(given_now, upnext.moment());
    has_keys boolean := cardinality(array_remove(keys, NULL)) > 0;
    patience text := current_setting('lock_timeout');
    known uuid[];
    made bigint[];
    lost bigint[];
    one record;
BEGIN
    -- Whoever holds each key, so that the common case makes no row in vain.
    IF has_keys THEN
        SELECT array_agg(j.id ORDER BY g.place) INTO known
        FROM unnest(functions, keys) WITH ORDINALITY g (function, key, place)
        LEFT JOIN upnext.live l ON l.function = g.function AND l.idempotency_key = g.key AND l.idempotency_key IS NOT NULL
        LEFT JOIN upnext.jobs j ON j.seq = l.job;
        PERFORM set_config('lock_timeout', '100ms', true);
    END IF;
    -- Which rows follow from which is told by `seq IN (...) IS TRUE`, which is looked up in a table of hashes: a join would be
    -- planned for few rows and be slow for many.
    WITH given AS MATERIALIZED (
        SELECT g.*, nextval('upnext.jobs_seq_seq') AS seq, greatest(coalesce(g.moment, present) + g.delay, present) AS due
        FROM unnest(ids, functions, names, types, priorities, moments, delays, timeouts, retries, keys, parents, roots,
                    sources, arguments, gate_keys, gate_limits, cache_keys, cache_ttls, tag_lists) WITH ORDINALITY
            g (id, function, name, type, priority, moment, delay, timeout, retry, key, parent, root, source, arguments,
               gate_key, gate_limit, cache_key, cache_ttl, tags, place)
        WHERE known IS NULL OR known[g.place] IS NULL
    ), accepted AS (
        INSERT INTO upnext.jobs AS j (seq, id, function, function_name, job_type, priority, created_at, timeout_us, retry,
            idempotency_key, parent_id, root_id, source, kwargs, gate_key, gate_limit, cache_key, cache_ttl_us, tags)
        SELECT seq, id, function, name, type, priority, present, timeout, retry, key, parent, root, source, arguments,
               gate_key, gate_limit, cache_key, cache_ttl, tags
        FROM given
        -- A repeated call of the same submission makes no second job.
        ON CONFLICT (id) DO NOTHING
        RETURNING j.seq
    ), queued AS (
        INSERT INTO upnext.live AS l (job, status, function, priority, scheduled_at, idempotency_key, gate_key, gate_limit)
        SELECT g.seq, CASE WHEN g.due > present THEN 'pending' ELSE 'queued' END, g.function, g.priority, g.due, g.key,
               g.gate_key, g.gate_limit
        FROM given g WHERE (g.seq IN (SELECT seq FROM accepted)) IS TRUE
        -- Keys in one order, so that no two wait for each other.
        ORDER BY g.function, g.key NULLS FIRST, g.seq
        ON CONFLICT (function, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING l.job)
    SELECT (SELECT array_agg(job ORDER BY job) FROM queued),
           (SELECT array_agg(seq) FROM accepted WHERE seq NOT IN (SELECT job FROM queued))
    INTO made, lost;
    IF has_keys THEN
        PERFORM set_config('lock_timeout', patience, true);
    END IF;
    -- Of those that lost a race for their key nothing stays.
    IF lost IS NOT NULL THEN
        DELETE FROM upnext.jobs WHERE seq = ANY (lost);
    END IF;
    IF cardinality(array_remove(tag_lists, NULL)) > 0 THEN
        INSERT INTO upnext.job_tags (tag, job)
        SELECT t.tag, j.seq FROM upnext.jobs j, jsonb_array_elements_text(j.tags::jsonb) t (tag)
        WHERE j.seq = ANY (made) AND j.tags IS NOT NULL;
    END IF;
    IF cardinality(array_remove(gate_keys, NULL)) > 0 THEN
        -- In one order over all gates, so that no two wait for each other; within a gate in the order of the jobs.
        FOR one IN
            SELECT l.job, l.function, l.gate_key, l.gate_limit FROM upnext.live l
            WHERE l.job = ANY (made) AND l.gate_key IS NOT NULL AND l.status = 'queued'
            ORDER BY l.function, l.gate_key, l.job
        LOOP
            PERFORM upnext.lock_gate(one.function, one.gate_key);
            -- Those that come after it in this call have no place yet.
            UPDATE upnext.live SET blocked = 1
            WHERE job = one.job AND (
                SELECT count(*) FROM upnext.live o
                WHERE o.gate_key IS NOT NULL AND o.function = one.function AND o.gate_key = one.gate_key
                    AND o.status IN ('queued', 'active') AND o.blocked <> 1
                    AND (o.job < one.job OR o.job <> ALL (made))) >= one.gate_limit;
        END LOOP;
    END IF;
    PERFORM upnext.note_changes(made);
    IF cardinality(made) = cardinality(ids) THEN
        RETURN QUERY SELECT i, true FROM unnest(ids) i;
        RETURN;
    END IF;
    FOR one IN
        SELECT g.id, g.place, m.job IS NOT NULL AS is_new, j.seq IS NOT NULL AS is_known, h.id AS holder
        FROM unnest(ids, functions, keys) WITH ORDINALITY g (id, function, key, place)
        LEFT JOIN upnext.jobs j ON j.id = g.id
        LEFT JOIN unnest(made) m (job) ON m.job = j.seq
        LEFT JOIN upnext.live l ON j.seq IS NULL AND l.function = g.function AND l.idempotency_key = g.key
            AND l.idempotency_key IS NOT NULL
        LEFT JOIN upnext.jobs h ON h.seq = l.job
        ORDER BY g.place
    LOOP
        created := one.is_new;
        id := CASE WHEN one.is_known THEN one.id ELSE coalesce(known[one.place], one.holder) END;
        -- The holder of the key ended between two looks: the next call makes the job.
        IF id IS NULL THEN
            RAISE EXCEPTION 'the holder of an idempotency key changed meanwhile' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

-- JSON without blanks, its names in order: as templates show values that are no texts.
CREATE FUNCTION upnext.compact_json(value jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'object' THEN '{' || coalesce((
            SELECT string_agg(to_json(f.key)::text || ':' || upnext.compact_json(f.value), ',' ORDER BY f.key COLLATE "C")
            FROM jsonb_each(value) f), '') || '}'
        WHEN 'array' THEN '[' || coalesce((
            SELECT string_agg(upnext.compact_json(i.value), ',' ORDER BY i.place)
            FROM jsonb_array_elements(value) WITH ORDINALITY i (value, place)), '') || ']'
        -- 1.50 is 1.5, and 1.0 stays a number with a fraction.
        WHEN 'number' THEN regexp_replace(value::text, '(\.\d+?)0+$', '\1')
        ELSE value::text
    END;
END $$;

-- The key that a template such as `{kind}/{owner.id}` gives for these arguments; NULL without a template. A text stands for
-- itself, anything else for its JSON; what is not there is null, and a doubled brace is a brace.
CREATE FUNCTION upnext.render_template(template text, arguments jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(CASE
        WHEN p.piece IN ('{{', '}}') THEN left(p.piece, 1)
        WHEN left(p.piece, 1) <> '{' THEN p.piece
        WHEN jsonb_typeof(p.part) = 'string' THEN p.part #>> '{}'
        ELSE coalesce(upnext.compact_json(p.part), 'null')
    END, '' ORDER BY p.place)
    FROM (SELECT m.found[1] AS piece, m.place,
                 arguments #> string_to_array(replace(replace(btrim(m.found[1], '{}'), '[', '.'), ']', ''), '.') AS part
          FROM regexp_matches(template, '(\{\{|\}\}|\{[^{}]*\}|[^{}]+)', 'g') WITH ORDINALITY m (found, place)) p
$$;

-- True when an event of this name is meant by the pattern: `*` stands for any characters but the dot, `**` for any characters.
CREATE FUNCTION upnext.event_fits(pattern text, event text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT event ~ ('^(?:' || replace(replace(replace(regexp_replace(pattern, '([][+?(){}|^$.\\])', '\\\1', 'g'),
        '**', chr(1)), '*', '[^.]*'), chr(1), '.*') || ')$')
$$;

-- A fresh id (UUID version 7).
CREATE FUNCTION upnext.fresh_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(upnext.moment() / 1000) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Accepts jobs inside of the caller's transaction: they exist exactly if it commits. `jobs` holds arrays with a value for
-- each. Answers in their order; a job whose key an unfinished job holds is answered with that job. `expected` is the
-- deployment that the caller means.
--
-- Whoever may call it needs no rights on tables.
CREATE FUNCTION upnext.submit_jobs(jobs json, expected uuid DEFAULT NULL)
RETURNS TABLE (id uuid, created boolean) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    present bigint := upnext.moment();
    total integer := json_array_length(jobs -> 'ids');
    -- By place.
    answers uuid[] := array_fill(NULL::uuid, ARRAY[total]);
    own boolean[] := array_fill(false, ARRAY[total]);
    tries integer := 0;
    one record;
BEGIN
    IF expected IS NOT NULL AND NOT EXISTS (SELECT 1 FROM upnext.deployment d WHERE d.id = expected) THEN
        RAISE EXCEPTION USING ERRCODE = 'UN001', MESSAGE = 'this database holds another deployment of UpNext than the one that '
            'is to run the job';
    END IF;
    WHILE array_position(answers, NULL) IS NOT NULL LOOP
        tries := tries + 1;
        IF tries > 20 THEN
            RAISE EXCEPTION 'the holder of an idempotency key kept changing' USING ERRCODE = 'serialization_failure';
        END IF;
        -- First the row that has the key: of what is not accepted nothing is written.
        FOR one IN
            WITH given AS MATERIALIZED (
                SELECT g.*, nextval('upnext.jobs_seq_seq') AS seq,
                       greatest(coalesce(g.moment::bigint, present) + g.delay::bigint, present) AS due
                FROM ROWS FROM (
                    json_array_elements_text(jobs -> 'ids'), json_array_elements_text(jobs -> 'functions'),
                    json_array_elements_text(jobs -> 'names'), json_array_elements_text(jobs -> 'types'),
                    json_array_elements_text(jobs -> 'priorities'), json_array_elements_text(jobs -> 'moments'),
                    json_array_elements_text(jobs -> 'delays'), json_array_elements_text(jobs -> 'timeouts'),
                    json_array_elements_text(jobs -> 'retries'), json_array_elements_text(jobs -> 'keys'),
                    json_array_elements_text(jobs -> 'parents'), json_array_elements_text(jobs -> 'roots'),
                    json_array_elements_text(jobs -> 'sources'), json_array_elements_text(jobs -> 'arguments'),
                    json_array_elements_text(jobs -> 'gate_keys'), json_array_elements_text(jobs -> 'gate_limits'),
                    json_array_elements_text(jobs -> 'cache_keys'), json_array_elements_text(jobs -> 'cache_ttls'),
                    json_array_elements_text(jobs -> 'tags'))
                WITH ORDINALITY g (id, function, name, type, priority, moment, delay, timeout, retry, key, parent, root, source,
                    arguments, gate_key, gate_limit, cache_key, cache_ttl, tags, place)
                WHERE answers[g.place] IS NULL
            ), queued AS (
                INSERT INTO upnext.live AS l (job, status, function, priority, scheduled_at, idempotency_key, gate_key,
                    gate_limit)
                -- One with a gate gets its place, or none, when it is moved into the queue after the commit.
                SELECT g.seq, CASE WHEN g.due > present OR g.gate_key IS NOT NULL THEN 'pending' ELSE 'queued' END,
                       g.function, g.priority::integer, g.due, g.key, g.gate_key, g.gate_limit::integer
                FROM given g
                -- Keys in one order, so that two such calls do not wait for each other.
                ORDER BY g.function COLLATE "C", g.key COLLATE "C" NULLS FIRST, g.seq
                ON CONFLICT (function, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
                RETURNING l.job
            ), accepted AS (
                INSERT INTO upnext.jobs (seq, id, function, function_name, job_type, priority, created_at, timeout_us, retry,
                    idempotency_key, parent_id, root_id, source, kwargs, gate_key, gate_limit, cache_key, cache_ttl_us, tags)
                SELECT g.seq, g.id::uuid, g.function, g.name, g.type, g.priority::integer, present, g.timeout::bigint, g.retry,
                       g.key, g.parent::uuid, g.root::uuid, g.source, g.arguments, g.gate_key, g.gate_limit::integer,
                       g.cache_key, g.cache_ttl::bigint, g.tags
                FROM given g WHERE (g.seq IN (SELECT q.job FROM queued q)) IS TRUE
            ), tagged AS (
                INSERT INTO upnext.job_tags (tag, job)
                SELECT t.tag, g.seq FROM given g, jsonb_array_elements_text(g.tags::jsonb) t (tag)
                WHERE g.tags IS NOT NULL AND (g.seq IN (SELECT q.job FROM queued q)) IS TRUE
            ), arrived AS (
                INSERT INTO upnext.arrivals (job) SELECT q.job FROM queued q
            )
            SELECT g.place, g.id::uuid AS id FROM given g WHERE (g.seq IN (SELECT q.job FROM queued q)) IS TRUE
        LOOP
            answers[one.place] := one.id;
            own[one.place] := true;
        END LOOP;
        -- Somebody holds the keys of the others, perhaps a job of this very call. Who has ended meanwhile is not found: then
        -- the key is free.
        IF array_position(answers, NULL) IS NOT NULL THEN
            FOR one IN
                SELECT g.place, j.id
                FROM ROWS FROM (json_array_elements_text(jobs -> 'functions'), json_array_elements_text(jobs -> 'keys'))
                    WITH ORDINALITY g (function, key, place)
                JOIN upnext.live l ON l.function = g.function AND l.idempotency_key = g.key AND l.idempotency_key IS NOT NULL
                JOIN upnext.jobs j ON j.seq = l.job
                WHERE answers[g.place] IS NULL
            LOOP
                answers[one.place] := one.id;
            END LOOP;
        END IF;
    END LOOP;
    -- Comes with the commit, once for all calls of a transaction.
    IF true = ANY (own) THEN
        PERFORM pg_notify('upnext.changes', 'submitted');
    END IF;
    RETURN QUERY SELECT a.id, a.created FROM unnest(answers, own) WITH ORDINALITY a (id, created, place) ORDER BY a.place;
END $$;

-- A job of this function as `submit_jobs` takes it, after every rule has been checked.
CREATE FUNCTION upnext.described_job(
    definition jsonb, arguments jsonb, key text, delay interval, at timestamptz, priority integer, tags text[], parent uuid,
    source json)
RETURNS json LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    blanks text := E' \t\n\r\f\v';
    name text := definition ->> 'key';
    size bigint := octet_length(arguments::text);
    all_tags text[];
    tag text;
    root uuid;
    gate text := upnext.render_template(definition ->> 'concurrency_key', arguments);
    cache text := upnext.render_template(definition ->> 'cache_key', arguments);
BEGIN
    IF jsonb_typeof(arguments) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('the arguments of ''%s'' must be one JSON object', name);
    END IF;
    IF size > 4194304 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('the arguments of ''%s'' are %s bytes of JSON; a job carries '
            'at most 4194304: put the data where the task can fetch it and pass a reference', name, size);
    END IF;
    key := btrim(key, blanks);
    IF length(key) NOT BETWEEN 1 AND 256 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('an idempotency key has 1 to 256 characters after trimming; '
            'this one has %s', length(key));
    END IF;
    FOR tag IN
        SELECT btrim(t.tag, blanks) FROM (
            SELECT d.tag, 0 AS part, d.place FROM jsonb_array_elements_text(definition -> 'tags') WITH ORDINALITY d (tag, place)
            UNION ALL
            SELECT g.tag, 1, g.place FROM unnest(tags) WITH ORDINALITY g (tag, place)) t
        ORDER BY t.part, t.place
    LOOP
        IF tag IS NULL OR length(tag) NOT BETWEEN 1 AND 64 OR tag ~ '[,[:cntrl:]]' THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('''%s'': %s is not a tag: a tag has 1 to 64 characters, '
                'no comma and no control characters', name, coalesce(to_json(tag)::text, 'NULL'));
        END IF;
        IF tag <> ALL (coalesce(all_tags, '{}')) THEN
            all_tags := all_tags || tag;
        END IF;
    END LOOP;
    IF cardinality(all_tags) > 32 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('''%s'': a job has at most 32 tags; these are %s', name,
            cardinality(all_tags));
    END IF;
    IF parent IS NOT NULL THEN
        SELECT coalesce(j.root_id, j.id) INTO root FROM upnext.jobs j WHERE j.id = parent;
        IF root IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('there is no job %s to be the parent', parent);
        END IF;
    END IF;
    RETURN json_build_object(
        'ids', json_build_array(upnext.fresh_id()),
        'functions', json_build_array(name),
        'names', json_build_array(nullif(definition ->> 'name', name)),
        'types', json_build_array(definition ->> 'type'),
        'priorities', json_build_array(coalesce(priority, 0)),
        'moments', json_build_array((extract(epoch FROM at) * 1000000)::bigint),
        'delays', json_build_array(greatest(coalesce((extract(epoch FROM delay) * 1000000)::bigint, 0), 0)),
        'timeouts', json_build_array((least((definition ->> 'timeout')::numeric, 2000000000000) * 1000000)::bigint),
        'retries', json_build_array(nullif(definition -> 'retry',
            '{"max_retries": 0, "delay": 1, "backoff": 2, "max_delay": 3600, "jitter": 0}')::text),
        'keys', json_build_array(key),
        'parents', json_build_array(parent),
        'roots', json_build_array(root),
        'sources', json_build_array(source::text),
        'arguments', json_build_array(arguments::text),
        'gate_keys', json_build_array(gate),
        'gate_limits', json_build_array(CASE WHEN gate IS NOT NULL
            THEN coalesce((definition ->> 'key_max_concurrency')::integer, 1) END),
        'cache_keys', json_build_array(cache),
        'cache_ttls', json_build_array(CASE WHEN cache IS NOT NULL
            THEN (least((definition ->> 'cache_ttl')::numeric, 2000000000000) * 1000000)::bigint END),
        'tags', json_build_array(array_to_json(all_tags)::text));
END $$;

-- What a function takes, as sentences name it.
CREATE FUNCTION upnext.described_parameters(definition jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(string_agg((p.one ->> 'name') || CASE WHEN (p.one ->> 'required')::boolean THEN '' ELSE ' (optional)' END,
                               ', ' ORDER BY p.place), 'none')
    FROM jsonb_array_elements(definition -> 'parameters') WITH ORDINALITY p (one, place)
$$;

-- Says what is wrong with the names of these arguments; NULL when nothing is.
CREATE FUNCTION upnext.wrong_arguments(definition jsonb, arguments jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    wrong text;
BEGIN
    IF jsonb_typeof(definition -> 'parameters') IS DISTINCT FROM 'array' OR jsonb_typeof(arguments) IS DISTINCT FROM 'object' THEN
        RETURN NULL;
    END IF;
    SELECT p.one ->> 'name' INTO wrong
    FROM jsonb_array_elements(definition -> 'parameters') WITH ORDINALITY p (one, place)
    WHERE (p.one ->> 'required')::boolean AND NOT arguments ? (p.one ->> 'name') ORDER BY p.place LIMIT 1;
    IF wrong IS NOT NULL THEN
        RETURN format('''%s'' needs the argument ''%s'': it takes %s', definition ->> 'key', wrong,
            upnext.described_parameters(definition));
    END IF;
    SELECT a.name INTO wrong FROM jsonb_object_keys(arguments) a (name)
    WHERE NOT coalesce((definition ->> 'takes_any')::boolean, false) AND NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(definition -> 'parameters') p (one) WHERE p.one ->> 'name' = a.name)
    ORDER BY a.name COLLATE "C" LIMIT 1;
    IF wrong IS NOT NULL THEN
        RETURN format('''%s'' has no argument ''%s'': it takes %s', definition ->> 'key', wrong,
            upnext.described_parameters(definition));
    END IF;
    RETURN NULL;
END $$;

-- Submits a job inside of the caller's transaction, to a function that a worker has offered, under its rules. Answers the
-- job's id: that of an unfinished job with the same idempotency key, if there is one.
CREATE FUNCTION upnext.submit(
    function text, arguments jsonb DEFAULT '{}', idempotency_key text DEFAULT NULL, delay interval DEFAULT NULL,
    at timestamptz DEFAULT NULL, priority integer DEFAULT 0, tags text[] DEFAULT NULL, parent uuid DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known jsonb;
    wrong text;
BEGIN
    SELECT f.definition::jsonb INTO known FROM upnext.functions f
    WHERE f.key = submit.function OR f.definition::jsonb ->> 'name' = submit.function
    ORDER BY f.key <> submit.function, f.key LIMIT 1;
    IF known IS NULL THEN
        SELECT 'known functions are ' || string_agg(f.key, ', ' ORDER BY f.key) INTO wrong FROM upnext.functions f;
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('there is no function ''%s'': %s', submit.function,
            coalesce(wrong, 'no worker has registered any function yet; start one with `upnext run FILE`'));
    END IF;
    wrong := upnext.wrong_arguments(known, submit.arguments);
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = wrong;
    END IF;
    RETURN (SELECT s.id FROM upnext.submit_jobs(upnext.described_job(known, submit.arguments, submit.idempotency_key,
        submit.delay, submit.at, submit.priority, submit.tags, submit.parent, NULL)) s);
END $$;

-- Sends an event inside of the caller's transaction: a job for each handler whose pattern fits, with the fields of `data` as
-- its arguments. A handler with an unfinished job of the same idempotency key gets no second one.
CREATE FUNCTION upnext.send_event(
    event text, data jsonb DEFAULT '{}', idempotency_key text DEFAULT NULL, parent uuid DEFAULT NULL)
RETURNS TABLE (function text, job uuid) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    handler record;
BEGIN
    IF event IS NULL OR length(event) NOT BETWEEN 1 AND 255 OR event ~ '[[:cntrl:][:space:]]' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('%s is not an event name: it has 1 to 255 characters, none of '
            'them blank or control', coalesce(to_json(event)::text, 'NULL'));
    END IF;
    IF strpos(event, '*') > 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('''%s'' is a pattern: an event is sent under one name, '
            'without *', event);
    END IF;
    FOR handler IN
        SELECT f.key, f.definition::jsonb AS definition FROM upnext.functions f
        WHERE f.definition::jsonb ->> 'type' = 'event' AND upnext.event_fits(f.definition::jsonb ->> 'pattern', event)
        ORDER BY f.key
    LOOP
        function := handler.key;
        job := (SELECT s.id FROM upnext.submit_jobs(upnext.described_job(handler.definition, data, idempotency_key, NULL,
            NULL, 0, NULL, parent, json_build_object('type', 'event', 'event', event, 'pattern',
                handler.definition ->> 'pattern'))) s);
        RETURN NEXT;
    END LOOP;
END $$;

-- They act with the rights of the schema's owner, so who may call them is said by name.
REVOKE ALL ON FUNCTION upnext.submit_jobs, upnext.submit, upnext.send_event FROM PUBLIC;
