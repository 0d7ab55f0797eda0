-- Whether all that can be seen would survive a crash of this server, as far as this server alone knows.
SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn() AND current_setting('synchronous_standby_names') = ''
