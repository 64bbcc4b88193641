// One HTTP request of the device API and the one `device` stream that carries it: the ordinary stream header and its
// answer, a frame, and then opaque bytes both ways, each credited only once it has left. Nothing after the frames is
// parsed, and an answer that breaks off never looks whole.
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { deviceAnswerFrame, deviceHeaders, maxDeviceFrame } from '../../contracts/device-api.ts';
import type { DeviceAnswerFrame, DeviceRequestFrame } from '../../contracts/device-api.ts';
import { asGatehouseError, GatehouseError } from '../../contracts/errors.ts';
import { encodePrefixed, readPrefixed } from '../../net/prefixed.ts';
import type { Prefixed } from '../../net/prefixed.ts';
import { encodeStreamHeader, parseStreamAnswer } from '../../net/stream-header.ts';
import type { YamuxStream } from '../../wire/stream.ts';
import type { RelayLimits } from '../limits.ts';
import type { BufferMeter } from '../splice.ts';
import { AnswerBody } from './answer-body.ts';
import { asServiceRefusal } from './problem.ts';
import { RequestBody } from './request-body.ts';

export interface ExchangeParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly stream: YamuxStream;
  readonly serviceId: string;
  /** What the relay has verified. */
  readonly clientId: string;
  readonly frame: DeviceRequestFrame;
  /** In bytes. */
  readonly bodyLimit: number;
  readonly meter: BufferMeter;
  readonly limits: Pick<RelayLimits, 'headerTimeoutMs' | 'bodyTimeoutMs' | 'answerTimeoutMs'>;
}

/** Resolves once the answer is out or nobody waits for it; rejects where a problem can still be answered. */
export function exchange(parts: ExchangeParts): Promise<void> {
  return new Promise((resolve, reject) => {
    new DeviceExchange(parts, (error) => {
      if (error === null || parts.response.headersSent) resolve();
      else reject(error);
    }).begin();
  });
}

class DeviceExchange {
  readonly #parts: ExchangeParts;
  readonly #over: (error: GatehouseError | null) => void;
  readonly #body: RequestBody;
  #done = false;

  constructor(parts: ExchangeParts, over: (error: GatehouseError | null) => void) {
    this.#parts = parts;
    this.#over = over;
    this.#body = new RequestBody(parts, (error) => {
      this.#finish(error);
    });
  }

  /** Sends all without waiting for the stream's answer: a round trip less. */
  begin(): void {
    const { stream, response, serviceId, clientId, frame, limits } = this.#parts;
    response.once('close', () => {
      this.#finish(null);
    });
    const handler = {
      arrived: (prefixed: Prefixed): void => {
        this.#accepted(prefixed);
      },
      failed: (error: GatehouseError): void => {
        this.#finish(asServiceRefusal(error));
      },
      sent: (bytes: number): void => {
        this.#body.sent(bytes);
      },
    };
    readPrefixed(stream, limits.headerTimeoutMs, handler);
    stream.write(encodeStreamHeader({ v: 1, kind: 'device', serviceId, clientId }));
    stream.write(encodePrefixed(frame, maxDeviceFrame));
    this.#body.pour();
  }

  #accepted({ json, rest }: Prefixed): void {
    const { stream, limits } = this.#parts;
    try {
      parseStreamAnswer(json);
    } catch (error) {
      this.#finish(asServiceRefusal(asGatehouseError(error)));
      return;
    }
    const handler = {
      arrived: (prefixed: Prefixed): void => {
        this.#answered(prefixed);
      },
      failed: (error: GatehouseError): void => {
        this.#finish(error.code === 'header_timeout' ? tooLate() : asServiceRefusal(error));
      },
      sent: (bytes: number): void => {
        this.#body.sent(bytes);
      },
    };
    readPrefixed(stream, limits.answerTimeoutMs, handler, { maxLength: maxDeviceFrame, rest });
  }

  #answered({ json, rest }: Prefixed): void {
    const { stream, response, meter } = this.#parts;
    const parsed = v.safeParse(deviceAnswerFrame, json);
    if (!parsed.success) {
      this.#finish(
        new GatehouseError('relay_protocol', 'The service answered in a form that this relay does not know.'),
      );
      return;
    }
    writeHead(response, parsed.output);
    const body = new AnswerBody(response, stream, parsed.output.length, meter);
    body.take(rest, {
      sent: (bytes) => {
        this.#body.sent(bytes);
      },
      over: () => {
        this.#finish(null);
      },
    });
  }

  #finish(error: GatehouseError | null): void {
    if (this.#done) return;
    this.#done = true;
    this.#body.stop();
    const { response } = this.#parts;
    if (error !== null && response.headersSent && !response.writableEnded) response.destroy();
    // Where all went well both sides have ended and this does nothing.
    this.#parts.stream.reset();
    this.#over(error);
  }
}

function writeHead(
  response: ServerResponse,
  { status, contentType, length, sessionId }: DeviceAnswerFrame,
): void {
  response.writeHead(status, {
    'content-type': contentType,
    ...(length === null ? {} : { 'content-length': length }),
    ...(sessionId === undefined ? {} : { [deviceHeaders.sessionId]: sessionId }),
  });
}

function tooLate(): GatehouseError {
  return new GatehouseError('timeout', 'The service did not answer in time.');
}
