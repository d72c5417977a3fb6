// What JupyterLab shows of a server, from the answer of its API. Pure: no requests, no pages.

/** A kernel that was ended: when, in seconds since 1970, and the sentence for the user. */
export interface EndedKernel {
  when: number;
  sentence: string;
}

/** The answer of `/yarnhub/api/status`: memory in bytes, times in seconds since 1970. */
export interface Status {
  memory_used: number;
  memory_limit: number;
  profile: string;
  cores: number;
  gpus: number;
  queue: string;
  environment: string;
  node: string;
  started: number;
  ends: number | null;
  /** The latest end that the user may choose; null if they may not choose. */
  latest: number | null;
  files: string;
  mount: string;
  mount_problem: string;
  ended_kernels: EndedKernel[];
  help_url: string;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** How many minutes before the end of the server its user is warned. */
export const WARNINGS = [15, 5];

/** The fraction of the memory from which on the status bar stands out. */
const HIGH = 0.85;

/** Format bytes as JupyterHub's pages do, such as `1.5 GiB`. */
export function memory(bytes: number): string {
  if (bytes < GIB) {
    return `${Math.round(bytes / MIB)} MiB`;
  }
  return `${(bytes / GIB).toFixed(1).replace(/\.0$/, '')} GiB`;
}

/** Format seconds in their two largest units, such as `1 h 5 min`. */
export function duration(seconds: number): string {
  const minutes = Math.max(0, Math.floor(seconds / 60));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60)];
  if (days) {
    return `${days} d ${hours % 24} h`;
  }
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

/** The text of the status bar. */
export function summary(status: Status, now: number): string {
  const used = `${memory(status.memory_used)} of ${memory(status.memory_limit)}`;
  const left = status.ends === null ? '' : ` · ${duration(status.ends - now)} left`;
  return used + left;
}

/** Whether the server has little memory left. */
export function isHigh(status: Status): boolean {
  return status.memory_used > HIGH * status.memory_limit;
}

function localTime(time: number | null): string {
  return new Date((time ?? 0) * 1000).toLocaleString();
}

/** The facts of the panel as labels and values; facts that are not known are left out. */
export function rows(status: Status, now: number): [string, string][] {
  const started = `${localTime(status.started)} (${duration(now - status.started)} ago)`;
  const ends =
    status.ends === null
      ? 'no limit'
      : `${duration(status.ends - now)}, until ${localTime(status.ends)}`;
  const known: [string, string][] = [
    ['Profile', status.profile],
    ['Memory in use', `${memory(status.memory_used)} of ${memory(status.memory_limit)}`],
    ['Cores', status.cores ? String(status.cores) : ''],
    ['GPUs', status.gpus ? String(status.gpus) : ''],
    ['Queue', status.queue],
    ['Node', status.node],
    ['Environment', status.environment],
    ['Started', status.started ? started : ''],
    ['Time left', ends],
    ['Can be extended until', isExtensible(status) ? localTime(status.latest) : ''],
    ['Files in code and terminals', status.files],
    ['HDFS in code and terminals', status.mount],
    ['HDFS is not mounted', status.mount ? '' : status.mount_problem]
  ];
  return known.filter(([, value]) => value !== '');
}

/**
 * The warning that is due before the server ends, in minutes; null if none is.
 *
 * `given` has the warnings that the user has had. If several are due, the last one is.
 */
export function warning(status: Status, now: number, given: Set<number>): number | null {
  if (status.ends === null || status.ends <= now) {
    return null;
  }
  const left = (status.ends - now) / 60;
  const due = WARNINGS.filter(minutes => left <= minutes);
  const last = due[due.length - 1];
  return last === undefined || given.has(last) ? null : last;
}

/** Whether the user may extend the time of the server: by a minute or more. */
export function isExtensible(status: Status): boolean {
  return status.ends !== null && status.latest !== null && status.latest - status.ends >= 60;
}

/** Whether the server ends later than before: by a minute or more. */
export function isExtended(before: Status | null, after: Status): boolean {
  if (before === null || before.ends === null) {
    return false;
  }
  return after.ends === null || after.ends - before.ends >= 60;
}

/** Format a time of the day, with its date if it is not today. */
export function clock(time: number, now: number): string {
  const [date, today] = [new Date(time * 1000), new Date(now * 1000)];
  const day = date.toDateString() === today.toDateString() ? '' : `${date.toLocaleDateString()} `;
  return day + date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** What an extension has changed. */
export function extensionText(before: Status, after: Status, now: number): string {
  if (after.ends === null) {
    return 'This server has no time limit.';
  }
  const time = clock(after.ends, now);
  const limit = isExtensible(after) ? '' : ' It cannot run longer.';
  return `This server ${isExtended(before, after) ? 'now ends' : 'ends'} at ${time}.${limit}`;
}

/** The sentence of a warning. */
export function warningText(status: Status, now: number): string {
  const ends = status.ends ?? now;
  const time = clock(ends, now);
  const left = Math.max(1, Math.round((ends - now) / 60));
  return (
    `This server ends in ${left} ${left === 1 ? 'minute' : 'minutes'}, at ${time}. Save your work: ` +
    'variables of kernels and programs in terminals are lost.'
  );
}

/** The first sentence of a text, because JupyterLab's notifications cut longer ones. */
export function firstSentence(text: string): string {
  const end = text.indexOf('. ');
  return end < 0 ? text : text.slice(0, end + 1);
}

/** The kernels that ended after `since`, oldest first. */
export function newEnds(status: Status, since: number): EndedKernel[] {
  return status.ended_kernels
    .filter(end => end.when > since)
    .sort((first, second) => first.when - second.when);
}
