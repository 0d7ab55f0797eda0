DELETE FROM upnext.job_hours WHERE hour < $1
