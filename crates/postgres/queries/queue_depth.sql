SELECT function, count(*) FILTER (WHERE status = 'queued'), min(scheduled_at) FILTER (WHERE status = 'queued'),
       count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'retrying'),
       count(*) FILTER (WHERE status = 'active')
FROM upnext.live GROUP BY function ORDER BY function
