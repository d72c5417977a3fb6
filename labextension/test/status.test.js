import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clock,
  duration,
  extensionText,
  firstSentence,
  isExtended,
  isExtensible,
  isHigh,
  memory,
  newEnds,
  rows,
  summary,
  warning,
  warningText
} from '../lib/status.js';

const GIB = 2 ** 30;
const NOW = 1_700_000_000;

function status(changes = {}) {
  return {
    memory_used: GIB / 2,
    memory_limit: 2 * GIB,
    profile: 'Small',
    cores: 2,
    gpus: 0,
    queue: 'default',
    environment: 'lab',
    node: 'node1',
    started: NOW - 3600,
    ends: NOW + 3600,
    latest: null,
    files: '/srv/hdfs/user/alice/notebooks',
    mount: '/srv/hdfs',
    mount_problem: '',
    ended_kernels: [],
    help_url: '',
    ...changes
  };
}

test('memory is in the units of the hub', () => {
  assert.deepEqual([0, GIB / 2, GIB, 1.5 * GIB].map(memory), [
    '0 MiB',
    '512 MiB',
    '1 GiB',
    '1.5 GiB'
  ]);
});

test('durations have two units at most', () => {
  assert.deepEqual([-5, 59, 61, 3900, 90_000].map(duration), [
    '0 min',
    '0 min',
    '1 min',
    '1 h 5 min',
    '1 d 1 h'
  ]);
});

test('the status bar has memory and, with a limit, time left', () => {
  assert.equal(summary(status(), NOW), '512 MiB of 2 GiB · 1 h 0 min left');
  assert.equal(summary(status({ ends: null }), NOW), '512 MiB of 2 GiB');
});

test('little memory stands out', () => {
  assert.equal(isHigh(status()), false);
  assert.equal(isHigh(status({ memory_used: 1.9 * GIB })), true);
});

test('facts that are not known are left out', () => {
  const labels = rows(status({ queue: '', node: '' }), NOW).map(([label]) => label);
  assert.deepEqual(labels, [
    'Profile',
    'Memory in use',
    'Cores',
    'Environment',
    'Started',
    'Time left',
    'Files in code and terminals',
    'HDFS in code and terminals'
  ]);
});

test('a server without a mount says why', () => {
  const facts = new Map(rows(status({ files: '', mount: '', mount_problem: 'FUSE is off.' }), NOW));
  assert.equal(facts.get('HDFS is not mounted'), 'FUSE is off.');
});

test('each warning is due once', () => {
  const given = new Set();
  const due = [];
  for (let left = 20 * 60; left > 0; left -= 30) {
    const minutes = warning(status({ ends: NOW + left }), NOW, given);
    if (minutes !== null) {
      due.push([minutes, left / 60]);
      given.add(minutes);
    }
  }
  assert.deepEqual(due, [
    [15, 15],
    [5, 5]
  ]);
});

test('a page that is opened late gives the last warning only', () => {
  const given = new Set();
  const late = status({ ends: NOW + 120 });
  assert.equal(warning(late, NOW, given), 5);
  given.add(5);
  assert.equal(warning(late, NOW, given), null);
  assert.equal(warning(status({ ends: NOW - 1 }), NOW, new Set()), null);
  assert.equal(warning(status({ ends: null }), NOW, new Set()), null);
});

test('a warning names the minutes that are left', () => {
  assert.match(warningText(status({ ends: NOW + 300 }), NOW), /ends in 5 minutes, at /);
  assert.match(warningText(status({ ends: NOW + 20 }), NOW), /ends in 1 minute, at /);
});

test('only a server whose user may gain a minute is extensible', () => {
  assert.equal(isExtensible(status()), false);
  assert.equal(isExtensible(status({ ends: null, latest: NOW + 7200 })), false);
  assert.equal(isExtensible(status({ latest: NOW + 3659 })), false);
  assert.equal(isExtensible(status({ latest: NOW + 3660 })), true);
});

test('a server is extended if it ends a minute later or not at all', () => {
  const before = status({ ends: NOW });
  assert.equal(isExtended(null, before), false);
  assert.equal(isExtended(status({ ends: null }), before), false);
  assert.equal(isExtended(before, status({ ends: NOW + 59 })), false);
  assert.equal(isExtended(before, status({ ends: NOW + 60 })), true);
  assert.equal(isExtended(before, status({ ends: null })), true);
});

test('the panel says how far the time can be extended', () => {
  const facts = new Map(rows(status({ latest: NOW + 7200 }), NOW));
  assert.equal(facts.get('Can be extended until'), new Date((NOW + 7200) * 1000).toLocaleString());
});

test('a time of another day has its date', () => {
  const noon = new Date(2026, 10, 30, 12, 5).getTime() / 1000;
  assert.doesNotMatch(clock(noon, noon - 3600), /2026|30/);
  assert.match(clock(noon, noon - 86_400), /2026.* .*05/);
});

test('an extension says when the server ends, and whether that was the last one', () => {
  const before = status({ ends: NOW + 300, latest: NOW + 7200 });
  const longer = status({ ends: NOW + 3900, latest: NOW + 7200 });
  assert.match(extensionText(before, longer, NOW), /^This server now ends at [^.]*\.$/);
  const last = status({ ends: NOW + 7200, latest: NOW + 7200 });
  assert.match(extensionText(before, last, NOW), /now ends at .* It cannot run longer\.$/);
  const same = status({ ends: NOW + 300, latest: NOW + 300 });
  assert.match(extensionText(before, same, NOW), /^This server ends at .* cannot run longer\.$/);
  assert.equal(extensionText(before, status({ ends: null }), NOW), 'This server has no time limit.');
});

test('a notification has the first sentence', () => {
  assert.equal(firstSentence('It used 1.5 GiB. Load less.'), 'It used 1.5 GiB.');
  assert.equal(firstSentence('It used 1.5 GiB.'), 'It used 1.5 GiB.');
});

test('only ends that are new are shown, in their order', () => {
  const ended = [30, 10, 20].map(when => ({ when, sentence: `at ${when}` }));
  const found = newEnds(status({ ended_kernels: ended }), 10);
  assert.deepEqual(
    found.map(end => end.when),
    [20, 30]
  );
});
