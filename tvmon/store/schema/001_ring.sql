-- The streams, and the ring of each stream's last 200 samples.

CREATE TABLE mms_stream (
    mms_stream_id    bigint PRIMARY KEY,
    server           text NOT NULL,
    stream_key       text NOT NULL,
    stream_id        bigint,
    unify_name       text NOT NULL,
    sample_interface text NOT NULL,
    first_seen       timestamptz NOT NULL,
    gone_at          timestamptz,
    UNIQUE (server, stream_key)
);

COMMENT ON TABLE mms_stream IS 'Every stream that a media server lists, or listed until lately';
COMMENT ON COLUMN mms_stream.mms_stream_id IS 'tvmon''s number of the stream: 48 bits of a hash over server and stream_key, so it never changes';
COMMENT ON COLUMN mms_stream.server IS 'name of the media server in tvmon''s configuration';
COMMENT ON COLUMN mms_stream.stream_key IS 'what the media server knows the stream by; unique on that server';
COMMENT ON COLUMN mms_stream.stream_id IS 'the media server''s own number of the stream; null where it has none';
COMMENT ON COLUMN mms_stream.unify_name IS 'the name that operators read';
COMMENT ON COLUMN mms_stream.sample_interface IS 'the URL that is asked for a sample; holds no secret';
COMMENT ON COLUMN mms_stream.first_seen IS 'when the stream was first listed, UTC';
COMMENT ON COLUMN mms_stream.gone_at IS 'when the media server ceased to list it, UTC; null while it is listed; the row and its samples are removed keep_gone later';

-- Row number n of a stream lies in slot n % 200 and replaces the row before it there, so the
-- table has at most 200 rows for a stream and needs no purge.  sample_no is in no index, and
-- half of each page is left free: the rows of a page are replaced in one transaction, all of
-- them, and find the room for their new versions beside the old ones.  So every update is HOT:
-- no index is touched, and the room of the old versions is taken again without a vacuum.
CREATE TABLE mms_samples (
    mms_stream_id                  bigint NOT NULL REFERENCES mms_stream ON DELETE CASCADE,
    slot                           smallint NOT NULL CHECK (slot BETWEEN 0 AND 199),
    is_failed                      boolean NOT NULL,
    sample_no                      bigint NOT NULL,
    sample_time                    timestamptz NOT NULL,
    score                          smallint,
    score_live_delay               smallint,
    score_upstream                 smallint,
    total_gops                     bigint,
    upstream_opened_count          bigint,
    upstream_connected_count       bigint,
    upstream_connection_fail_count bigint,
    upstream_bytes_received        bigint,
    clients_connected              bigint,
    total_clients_served           bigint,
    total_bytes_sent               bigint,
    live_delay_ms                  bigint,
    average_upstream_kbps          double precision,
    average_downstream_kbps        double precision,
    stream_info_audiodatarate      bigint,
    stream_info_videodatarate      bigint,
    stream_info_audiocodecid       bigint,
    stream_info_audiosamplesize    bigint,
    stream_info_audiosamplerate    bigint,
    stream_info_stereo             bigint,
    stream_info_videocodecid       bigint,
    stream_info_framerate          bigint,
    stream_info_width              bigint,
    stream_info_height             bigint,
    failed_reason                  text,
    PRIMARY KEY (mms_stream_id, slot)
) WITH (fillfactor = 50);

COMMENT ON TABLE mms_samples IS 'The newest 200 samples of every stream; null is what the server did not tell, never 0';
COMMENT ON COLUMN mms_samples.mms_stream_id IS 'the stream';
COMMENT ON COLUMN mms_samples.slot IS 'sample_no % 200';
COMMENT ON COLUMN mms_samples.is_failed IS 'true: the poll brought nothing, failed_reason says why, every measured column is null';
COMMENT ON COLUMN mms_samples.sample_no IS 'counts the stream''s samples from 1; the order of the samples, as a wall clock may jump';
COMMENT ON COLUMN mms_samples.sample_time IS 'when it was taken, UTC';
COMMENT ON COLUMN mms_samples.score IS 'health at that moment, 0 to 100; null where it could not be judged';
COMMENT ON COLUMN mms_samples.score_live_delay IS 'the part of the health that is delay, 0 to 100';
COMMENT ON COLUMN mms_samples.score_upstream IS 'the part of the health that is the flow from upstream, 0 to 100';
COMMENT ON COLUMN mms_samples.total_gops IS 'groups of pictures received since the stream''s start on its server';
COMMENT ON COLUMN mms_samples.upstream_opened_count IS 'upstream connections tried since the start';
COMMENT ON COLUMN mms_samples.upstream_connected_count IS 'upstream connections made since the start';
COMMENT ON COLUMN mms_samples.upstream_connection_fail_count IS 'upstream connections failed since the start';
COMMENT ON COLUMN mms_samples.upstream_bytes_received IS 'byte received from upstream since the start';
COMMENT ON COLUMN mms_samples.clients_connected IS 'viewers now';
COMMENT ON COLUMN mms_samples.total_clients_served IS 'viewers since the start';
COMMENT ON COLUMN mms_samples.total_bytes_sent IS 'byte sent to viewers since the start';
COMMENT ON COLUMN mms_samples.live_delay_ms IS 'how far the stream runs behind, ms; 999999 where there is no stream';
COMMENT ON COLUMN mms_samples.average_upstream_kbps IS 'the server''s own average since the start, kbit/s';
COMMENT ON COLUMN mms_samples.average_downstream_kbps IS 'the server''s own average since the start, kbit/s';
COMMENT ON COLUMN mms_samples.stream_info_audiodatarate IS 'declared by the stream, kbit/s';
COMMENT ON COLUMN mms_samples.stream_info_videodatarate IS 'declared by the stream, kbit/s';
COMMENT ON COLUMN mms_samples.stream_info_audiocodecid IS 'FLV codec id; 10 is AAC';
COMMENT ON COLUMN mms_samples.stream_info_audiosamplesize IS 'bit';
COMMENT ON COLUMN mms_samples.stream_info_audiosamplerate IS 'Hz';
COMMENT ON COLUMN mms_samples.stream_info_stereo IS '1 stereo, 0 mono';
COMMENT ON COLUMN mms_samples.stream_info_videocodecid IS 'FLV codec id; 7 is AVC';
COMMENT ON COLUMN mms_samples.stream_info_framerate IS 'pictures a second';
COMMENT ON COLUMN mms_samples.stream_info_width IS 'pixel';
COMMENT ON COLUMN mms_samples.stream_info_height IS 'pixel';
COMMENT ON COLUMN mms_samples.failed_reason IS 'why the poll brought nothing, in an operator''s words; null where it was good';

CREATE TABLE tvmon_writer (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    writer   text NOT NULL,
    since    timestamptz NOT NULL
);

COMMENT ON TABLE tvmon_writer IS 'Who wrote here last; one row';
COMMENT ON COLUMN tvmon_writer.only_row IS 'always true';
COMMENT ON COLUMN tvmon_writer.writer IS 'application_name of the tvmon process that took the writer lock last';
COMMENT ON COLUMN tvmon_writer.since IS 'when it took it, UTC';
