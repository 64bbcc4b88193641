// A text as a QR code in a picture of its own, black on white: what is copied where QrCode.svelte shows it.
import { encode } from 'uqr';

/** Pixels of one module: a camera reads it from a page or a screen. */
const moduleEdge = 8;

/** A PNG. @throws Error where the browser makes none */
export function qrPicture(text: string): Promise<Blob> {
  const { data, size } = encode(text, { ecc: 'M', border: 2 });
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size * moduleEdge;
  const drawing = canvas.getContext('2d');
  data.forEach((row, y) =>
    row.forEach((dark, x) => {
      if (drawing !== null) drawing.fillStyle = dark ? '#000000' : '#ffffff';
      drawing?.fillRect(x * moduleEdge, y * moduleEdge, moduleEdge, moduleEdge);
    }),
  );
  return new Promise((resolve, reject) => {
    canvas.toBlob((png) => (png === null ? reject(new Error('There is no picture.')) : resolve(png)));
  });
}
