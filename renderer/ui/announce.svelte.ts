// What is read aloud without moving the focus: news of states, results of what was just done. One at a time; the last wins.
class Announcement {
  text = $state('');
}

export const announcement = new Announcement();

/** The same words said again are read again. */
export function announce(text: string): void {
  announcement.text = announcement.text === text ? `${text}\u00a0` : text;
}
