// Two fingerprints to compare, as the console shows them: hexadecimal groups, and words to read aloud. The person sees
// whose they are; nothing here says that they match, because only the person can know.
import { formatFingerprint } from '../../contracts/fingerprint.ts';
import { wordsOfFingerprint } from '../../contracts/fingerprint-words.ts';
import { h } from './dom.ts';

export function fingerprintCard(title: string, note: string, fingerprint: string): HTMLElement {
  const lines = formatFingerprint(fingerprint).split('\n');
  const groups = lines.flatMap((line) => line.split(' ')).map((group) => h('span', {}, group));
  const words = h('ol', { class: 'words' });
  void wordsOfFingerprint(fingerprint).then((list) => {
    words.append(...list.map((word) => h('li', {}, word)));
  });
  return h(
    'section',
    { class: 'print', 'data-fingerprint': fingerprint },
    h('h3', {}, title),
    h('p', { class: 'soft' }, note),
    h('div', { class: 'groups mono' }, ...groups),
    h('details', {}, h('summary', {}, 'As words, to read aloud'), words),
  );
}
