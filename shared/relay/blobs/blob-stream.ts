// Opens a `blob` stream to a service: the ordinary header and its answer, then one frame each way. What follows is
// ciphertext, and the consumer's.
import * as v from 'valibot';
import { blobAnswerFrame } from '../../contracts/device-api.ts';
import type { BlobRequestFrame } from '../../contracts/device-api.ts';
import { asGatehouseError, GatehouseError, isErrorCode } from '../../contracts/errors.ts';
import { encodePrefixed, readPrefixed } from '../../net/prefixed.ts';
import { encodeStreamHeader, parseStreamAnswer } from '../../net/stream-header.ts';
import type { YamuxStream } from '../../wire/stream.ts';
import { asServiceRefusal } from '../device-api/problem.ts';

export interface BlobStreamOptions {
  readonly stream: YamuxStream;
  readonly serviceId: string;
  /** What the relay has verified of whoever asks first. */
  readonly clientId: string;
  readonly frame: BlobRequestFrame;
  /** For each of the two answers, in milliseconds. */
  readonly timeoutMs: number;
}

export interface BlobStreamHandler {
  /** The service has it: attach the next consumer before returning; `rest` came with the answer. */
  answered(length: number, rest: Uint8Array): void;
  /** Called once instead; the stream is over. */
  failed(error: GatehouseError): void;
}

export function openBlob(options: BlobStreamOptions, handler: BlobStreamHandler): void {
  const { stream, serviceId, clientId, frame, timeoutMs } = options;
  const fail = (error: GatehouseError): void => {
    stream.reset();
    handler.failed(asServiceRefusal(error));
  };
  const readAnswer = ({ json, rest }: { json: unknown; rest: Uint8Array }): void => {
    const parsed = v.safeParse(blobAnswerFrame, json);
    if (!parsed.success) fail(new GatehouseError('header_malformed', 'The answer is not of its form.'));
    else if (!parsed.output.ok) fail(refusalOf(parsed.output.code));
    else handler.answered(parsed.output.length, rest);
  };
  const readAcceptance = ({ json, rest }: { json: unknown; rest: Uint8Array }): void => {
    try {
      parseStreamAnswer(json);
    } catch (error) {
      fail(asGatehouseError(error));
      return;
    }
    readPrefixed(stream, timeoutMs, { arrived: readAnswer, failed: fail }, { rest });
  };
  readPrefixed(stream, timeoutMs, { arrived: readAcceptance, failed: fail });
  stream.write(encodeStreamHeader({ v: 1, kind: 'blob', serviceId, clientId }));
  // Without waiting for the stream's answer: a round trip less.
  stream.write(encodePrefixed(frame));
  stream.end();
}

function refusalOf(code: string): GatehouseError {
  const messages: Partial<Record<string, string>> = {
    blob_unknown: 'The service has no such encrypted document. Ask for the document again.',
    range_invalid: 'The encrypted document has no such range of bytes.',
  };
  return new GatehouseError(
    isErrorCode(code) ? code : 'relay_protocol',
    messages[code] ?? 'The service refuses the blob.',
  );
}
