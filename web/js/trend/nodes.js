/**
 * What the tree holds: everything, its media servers, their applications, their streams; and this
 * machine with its targets.
 *
 * A node is {key, label, title, subject, metric, state, count, children}: `subject` is null where
 * there is nothing to draw, `metric` is set where it can only be this one, `children` makes the
 * nodes below it or is null.
 */
import { stateOf } from "../columns.js";
import { ALL, MACHINE, ofStream } from "../subject.js";

/** The nodes of the first level. */
export function nodesOf(entries, targets, texts) {
  const machine = {
    key: "machine",
    label: texts.trend.machine,
    subject: null,
    children: () => targets.map(({ name, title }) => ({
      key: `machine.${name}`, label: title, subject: MACHINE, metric: name, children: null,
    })),
  };
  const all = {
    key: "all",
    label: texts.trend.all,
    subject: ALL,
    count: entries.length,
    children: () => serversOf(entries),
  };
  return targets.length ? [all, machine] : [all];
}

/** The application of a stream, as far as its name tells: `live` of `ingest/live/cam1`, else "". */
export function applicationOf({ server, unify_name: name }) {
  const key = keyOf(server, name);
  return key === name ? "" : key.slice(0, Math.max(0, key.lastIndexOf("/")));
}

function serversOf(entries) {
  const order = new Intl.Collator(undefined, { numeric: true });
  return [...Map.groupBy(entries, (entry) => entry.server)]
    .sort(([one], [other]) => order.compare(one, other))
    .map(([server, own]) => ({
      key: `server.${server}`,
      label: server,
      subject: { kind: "vhost", name: server },
      count: own.length,
      children: () => applicationsOf(server, own, order),
    }));
}

function applicationsOf(server, entries, order) {
  const sorted = entries
    .map((entry) => [entry, applicationOf(entry)])
    .sort(([one], [other]) => order.compare(one.unify_name, other.unify_name));
  const groups = [...Map.groupBy(sorted, ([, application]) => application)]
    .sort(([one], [other]) => !one - !other || order.compare(one, other)); // what folds comes first
  return groups.flatMap(([application, own]) => {
    const within = application ? `${server}/${application}` : server;
    const streams = own.map(([entry]) => ({
      key: `stream.${entry.mms_stream_id}`,
      label: labelOf(within, entry.unify_name),
      title: entry.unify_name,
      subject: ofStream(entry.mms_stream_id),
      state: stateOf(entry),
      children: null,
    }));
    return application ? [{
      key: `server.${within}`,
      label: application,
      title: within,
      subject: { kind: "vhost", name: within },
      count: streams.length,
      children: () => streams,
    }] : streams;
  });
}

/** `[10.1.0.7]/tv/Channel 7` of `media1[10.1.0.7]/tv/Channel 7`: the place in the tree says the rest. */
function labelOf(within, name) {
  return name.startsWith(`${within}[`) ? name.slice(within.length) : keyOf(within, name);
}

/** What a server knows a stream by, where its name is that behind the server's; else the name. */
function keyOf(within, name) {
  return name.startsWith(`${within}/`) ? name.slice(within.length + 1) : name;
}
