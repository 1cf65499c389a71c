/**
 * Every field of an entry that the detail tells: how it is read and in which unit.
 *
 * What each one is called and means is in the texts, by the field's name.
 */
import { known } from "./format.js";

const rates = (field) => ["last_3", "last_10", "last_100", "total"].map((last) => ({
  name: `${field}.${last}`, unit: "kbps", value: (entry) => entry[field][last],
}));

const plain = (unit) => (name) => ({ name, unit, value: (entry) => entry[name] });

/** Groups of fields, in the order of the detail; the names of the groups are in the texts. */
export const GROUPS = {
  stream: [
    ...["unify_name", "server", "kind", "sample_interface"].map(plain("text")),
    ...["mms_stream_id", "stream_id"].map(plain("id")),
  ],
  sample: [
    ...["sample_time", "last_sample_time"].map(plain("time")),
    plain("yes")("is_failed"),
    plain("text")("failed_reason"),
    ...["first_byte_ms", "answer_ms"].map(plain("ms")),
    { name: "presence", unit: "presence", value: (entry) => entry.presence },
    plain("lasting")("uptime_seconds"),
    { name: "counter_reset", unit: "reset", value: (entry) => entry.counter_reset },
  ],
  upstream: [
    ...rates("average_upstream_kbps"),
    plain("kbps")("expected_kbps"),
    plain("expected_by")("expected_by"),
    plain("byte")("upstream_bytes_received"),
    ...[
      "total_gops", "upstream_opened_count", "upstream_connected_count",
      "upstream_connection_fail_count",
    ].map(plain("count")),
    plain("ms")("live_delay_ms"),
    {
      name: "media_received_ms",
      unit: "lasting",
      value: ({ media_received_ms: ms }) => (known(ms) ? ms / 1000 : null),
    },
  ],
  downstream: [
    ...rates("average_downstream_kbps"),
    plain("byte")("total_bytes_sent"),
    ...["clients_connected", "total_clients_served"].map(plain("count")),
  ],
  picture: [
    plain("video")("video_codec"),
    plain("id")("stream_info_videocodecid"),
    plain("pixel")("stream_info_width"),
    plain("pixel")("stream_info_height"),
    plain("per_second")("stream_info_framerate"),
    plain("kbps")("stream_info_videodatarate"),
  ],
  sound: [
    plain("audio")("audio_codec"),
    plain("id")("stream_info_audiocodecid"),
    plain("hz")("stream_info_audiosamplerate"),
    plain("bit")("stream_info_audiosamplesize"),
    plain("yes")("stream_info_stereo"),
    plain("kbps")("stream_info_audiodatarate"),
  ],
};

export const FIELDS = Object.values(GROUPS).flat();

const ON_THE_LINE = new RegExp(
  "^(unify_name|average_.*|is_failed|failed_reason|presence"
  + "|.*(codec|codecid|width|height|framerate))$",
);
const UNSEEN = FIELDS.filter((field) => !ON_THE_LINE.test(field.name));

/** The value of a field as it is read, with its unit. */
export function read(field, entry, format) {
  const value = field.value(entry);
  const { texts } = format;
  switch (field.unit) {
    case "text": return value === null || value === "" ? format.dash : value;
    case "id": return known(value) ? String(value) : format.dash;
    case "time": return value === null ? format.dash : format.date(Date.parse(value));
    case "yes": return value === null ? format.dash : texts.yes_or_no(Boolean(value));
    case "video": return format.video(entry);
    case "audio": return format.audio(entry);
    case "lasting": return format.lasting(value);
    case "presence": return texts.presence[value] || format.dash;
    case "expected_by": return texts.expected_by[value] || format.dash;
    case "reset": return value === null
      ? format.dash : `${texts.resets[value.why]}, ${format.date(Date.parse(value.time))}`;
    default:
  }
  if (!known(value) || (field.unit === "kbps" && value < 0)) return format.dash;
  const unit = texts.units[field.unit];
  return unit ? `${format.decimal(value)} ${unit}` : format.decimal(value);
}

/** `declared` or `estimated` where the server did not measure what it told, else "". */
export function source(field, entry) {
  const name = field.name.replace(/\.total$/, "");
  const value = field.value(entry);
  if (value === null || value === undefined) return "";
  return ["declared", "estimated"].find((how) => entry.sources[how].includes(name)) || "";
}

/**
 * What Ctrl+F finds of a folded detail: all that the line above it does not say.
 *
 * Kept short: the browser shapes it for every stream when it searches.
 */
export function facts(entry, format) {
  const words = entry.score_reasons.slice(entry.score === 100 ? 0 : 1);
  for (const field of UNSEEN) {
    const value = field.value(entry);
    if (value !== null) words.push(`${field.name} ${read(field, entry, format)}`);
  }
  return words.join(" · ");
}
