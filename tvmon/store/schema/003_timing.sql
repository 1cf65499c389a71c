-- How long the media server took over the answer to each poll.

ALTER TABLE mms_samples
    ADD COLUMN first_byte_ms real,
    ADD COLUMN answer_ms     real;

COMMENT ON COLUMN mms_samples.first_byte_ms IS 'ms from asking to the first byte of the HTTP answer, of the last one where a poll takes several; of a failed poll, too; null where there was no whole answer';
COMMENT ON COLUMN mms_samples.answer_ms IS 'ms from asking to the last byte of the HTTP answer; null as first_byte_ms';
