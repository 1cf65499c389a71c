-- Beside each row lies its version of the ring's turn before, until the next write to the page
-- takes its room; so as many rows are dead as are alive, always, and by the usual measure the
-- table would be vacuumed and analyzed every minute or two, at a quarter of the cost of all
-- writing, for nothing.  More dead rows than that are those of streams that were removed, and
-- a vacuum is due when they are half of the table.  What is known of its values hardly changes.
ALTER TABLE mms_samples SET (
    autovacuum_vacuum_scale_factor = 1.5,
    autovacuum_analyze_scale_factor = 5
);
