-- What the other kinds of media servers tell, what is needed to judge it again, and what tvmon
-- has learned of each stream.

ALTER TABLE mms_samples
    ADD COLUMN media_received_ms bigint,
    ADD COLUMN uptime_seconds    bigint,
    ADD COLUMN video_codec       text,
    ADD COLUMN audio_codec       text,
    ADD COLUMN presence          text,
    ADD COLUMN remarks           text,
    ADD COLUMN burst_seconds     double precision,
    ADD COLUMN stall_seconds     double precision,
    ADD COLUMN delay_seconds     double precision;

COMMENT ON COLUMN mms_samples.media_received_ms IS 'ms of media received since the start, by the media''s own clock';
COMMENT ON COLUMN mms_samples.uptime_seconds IS 'seconds since the stream was published';
COMMENT ON COLUMN mms_samples.video_codec IS 'H264, H265, ...';
COMMENT ON COLUMN mms_samples.audio_codec IS 'AAC, Opus, ...';
COMMENT ON COLUMN mms_samples.presence IS 'absent: nobody publishes it; unseen: the server''s answer does not tell; null where it is live, or the sample failed';
COMMENT ON COLUMN mms_samples.remarks IS 'what was noticed, one a line: of a live stream its faults, else why it is not';
COMMENT ON COLUMN mms_samples.burst_seconds IS 'how long the counters of a healthy stream of this kind may rest, s; null is 2';
COMMENT ON COLUMN mms_samples.stall_seconds IS 'from what rest on a stream of this kind has stalled, s; null is 2';
COMMENT ON COLUMN mms_samples.delay_seconds IS 'how far a healthy stream of this kind runs behind, s; null is 0';

CREATE TABLE mms_learned (
    mms_stream_id bigint PRIMARY KEY REFERENCES mms_stream ON DELETE CASCADE,
    rates         real[] NOT NULL
);

COMMENT ON TABLE mms_learned IS 'What streams need that do not declare it: the rates of their own good past';
COMMENT ON COLUMN mms_learned.mms_stream_id IS 'the stream';
COMMENT ON COLUMN mms_learned.rates IS 'kbit/s, one for each half minute in which the stream was good, at most 120, the newest last; their median is what the stream needs';
