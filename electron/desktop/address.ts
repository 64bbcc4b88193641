// Where the desktop's page lives. The origin is compared as a whole text, never by parts.

export const scheme = 'app';
const host = 'gatehouse';

/** As Chromium gives the origin of a frame. */
export const origin = `${scheme}://${host}`;

export const pageUrl = `${origin}/`;
