// A service for tests of the relay's HTTPS API: it enrols, takes `device` and `blob` streams as shared/contracts
// describes them, and answers as the test says. It keeps what it was sent. Must never serve outside tests.
import type {
  BlobAnswerFrame,
  BlobRequestFrame,
  DeviceAnswerFrame,
  DeviceRequestFrame,
} from '../contracts/device-api.ts';
import { maxDeviceFrame } from '../contracts/device-api.ts';
import type { GatehouseError } from '../contracts/errors.ts';
import { encodePrefixed, readPrefixed } from '../net/prefixed.ts';
import { encodeStreamAnswer, parseStreamHeader } from '../net/stream-header.ts';
import type { StreamHeader } from '../net/stream-header.ts';
import type { YamuxStream } from '../wire/stream.ts';
import { connectService, makeTestIdentity } from './relay-peers.ts';
import type { TestPeer, TestRelay } from './relay-peers.ts';

/** One stream that the relay has opened, its first frame read. */
export class DeviceCall {
  readonly header: StreamHeader;
  readonly frame: unknown;
  readonly stream: YamuxStream;
  /** The whole body, once the relay has ended its side; rejects where the stream breaks first. */
  readonly body: Promise<Buffer>;
  /** How the stream ended; null where well. */
  readonly closed: Promise<GatehouseError | null>;
  received = 0;
  /** Whether what arrives is credited. */
  reading = true;

  constructor(header: StreamHeader, frame: unknown, stream: YamuxStream, rest: Uint8Array) {
    this.header = header;
    this.frame = frame;
    this.stream = stream;
    const body = Promise.withResolvers<Buffer>();
    const closed = Promise.withResolvers<GatehouseError | null>();
    this.body = body.promise;
    this.closed = closed.promise;
    this.body.catch(() => undefined);
    const chunks: Uint8Array[] = [];
    const take = (chunk: Uint8Array): void => {
      this.received += chunk.length;
      chunks.push(chunk);
      if (this.reading) stream.consumed(chunk.length);
    };
    stream.attach({
      data: take,
      end: () => {
        body.resolve(Buffer.concat(chunks));
      },
      sent: () => undefined,
      closed: (error) => {
        body.reject(error ?? new Error('closed'));
        closed.resolve(error);
      },
    });
    if (rest.length > 0) take(rest);
  }

  get operation(): string {
    return (this.frame as DeviceRequestFrame).operation;
  }

  get blob(): BlobRequestFrame {
    return this.frame as BlobRequestFrame;
  }

  /** Answers whole. */
  answer(body: string | Uint8Array, frame: Partial<DeviceAnswerFrame> = {}): void {
    const bytes = Buffer.from(body);
    this.begin({ length: bytes.length, ...frame });
    this.stream.write(bytes);
    this.stream.end();
  }

  /** Sends the answer frame alone. */
  begin(frame: Partial<DeviceAnswerFrame> = {}): void {
    const whole = { v: 1, status: 200, contentType: 'application/octet-stream', length: null, ...frame };
    this.stream.write(encodePrefixed(whole, maxDeviceFrame));
  }

  beginBlob(frame: BlobAnswerFrame): void {
    this.stream.write(encodePrefixed(frame));
  }
}

export interface DeviceServiceOptions {
  readonly onCall: (call: DeviceCall) => void;
  /** What every stream is refused with, where it is. */
  readonly refusal?: GatehouseError;
}

/** A service online at `test`, which has to be told of it by an enrolment token. */
export async function connectDeviceService(
  test: TestRelay,
  options: DeviceServiceOptions,
): Promise<TestPeer> {
  const { token } = await test.state.enrolmentTokens.mint();
  return connectService(test.url, {
    identity: makeTestIdentity(),
    token,
    onStream: (stream) => {
      accept(stream, options);
    },
  });
}

function accept(stream: YamuxStream, { onCall, refusal }: DeviceServiceOptions): void {
  const failed = (): void => undefined;
  readPrefixed(stream, 5000, {
    failed,
    arrived: ({ json, rest }) => {
      const header = parseStreamHeader(json);
      stream.write(encodeStreamAnswer(refusal ?? null));
      if (refusal !== undefined) {
        stream.end();
        return;
      }
      const arrived = (frame: { json: unknown; rest: Uint8Array }): void => {
        onCall(new DeviceCall(header, frame.json, stream, frame.rest));
      };
      readPrefixed(stream, 5000, { failed, arrived }, { maxLength: maxDeviceFrame, rest });
    },
  });
}
