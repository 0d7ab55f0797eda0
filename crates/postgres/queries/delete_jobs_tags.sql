DELETE FROM upnext.job_tags t USING upnext.jobs j, jsonb_array_elements_text(j.tags::jsonb) x (tag)
WHERE j.seq = ANY ($1::bigint[]) AND j.tags IS NOT NULL AND t.tag = x.tag AND t.job = j.seq
