// Answers and their ends: whatever a service does to an answer, a call says what happened, and never succeeds short.
import { describe, expect, it } from 'vitest';
import { goAway, type Script, type ScriptedCall } from '../testing/script.ts';
import { scriptedServiceId as id } from '../testing/scripted-service.ts';
import { codeOf, inWorld, type World } from '../testing/scripted-world.ts';
import type { LoginOptions, Service } from './index.ts';

const json = { 'content-type': 'application/json' };
const whole = '{"whole":true}';

/** Runs `act` for `ping` in place of the service. */
function onPing(act: (call: ScriptedCall) => void): Script {
  return {
    rpc: (call) => {
      if (call.rpcName !== 'ping') return false;
      act(call);
      return true;
    },
  };
}

async function withService(
  script: Script,
  options: Partial<LoginOptions>,
  test: (service: Service, world: World) => Promise<void>,
) {
  await inWorld(script, options, async (world) => {
    await test(await world.client.serviceCloud(id, { e2eeFingerprint: world.peer.fingerprint }), world);
  });
}

function onStream(act: (h2: NonNullable<ScriptedCall['h2']>) => void): Script {
  return onPing(({ h2 }) => {
    if (h2 !== null) act(h2);
  });
}

describe('over HTTP/2 an answer', () => {
  it.each<[string, Script, string, string]>([
    [
      'that is reset without an error code is truncated',
      onStream(({ stream }) => {
        stream.respond({ ':status': 200, ...json });
        stream.write(whole);
        setTimeout(() => stream.destroy(), 10); // Node sends RST_STREAM NO_ERROR, and no END_STREAM
      }),
      'truncated',
      'INTERRUPTED',
    ],
    [
      'that is reset with one is truncated',
      onStream(({ stream }) => {
        stream.respond({ ':status': 200, ...json });
        stream.write(whole);
        setTimeout(() => stream.destroy(new Error('on purpose')), 10);
      }),
      'truncated',
      'INTERRUPTED',
    ],
    [
      'that ends short of its content-length is truncated',
      onStream(({ stream }) => {
        stream.respond({ ':status': 200, ...json, 'content-length': 100 });
        stream.end(whole);
      }),
      'truncated',
      'INTERRUPTED',
    ],
    [
      'that the session ends under is truncated',
      onStream(({ stream, session }) => {
        stream.respond({ ':status': 200, ...json });
        stream.write(whole);
        setTimeout(() => session.destroy(), 10);
      }),
      'truncated',
      'INTERRUPTED',
    ],
    [
      'that never began when the session ended is session_ended',
      onStream(({ session }) => session.destroy()),
      'session_ended',
      'INTERRUPTED',
    ],
    [
      'that never began when the stream was reset is rpc_failed',
      onStream(({ stream }) => stream.destroy(new Error('on purpose'))),
      'rpc_failed',
      'FAILED',
    ],
    [
      'that is refused is limit_exceeded',
      onStream(({ stream }) => {
        stream.close(7);
      }),
      'limit_exceeded',
      'REJECTED',
    ],
    [
      'that is no JSON is rpc_failed',
      onStream(({ stream }) => {
        stream.respond({ ':status': 200, ...json });
        stream.end('{"half":');
      }),
      'rpc_failed',
      'FAILED',
    ],
    [
      'of another type is rpc_failed',
      onStream(({ stream }) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end(whole);
      }),
      'rpc_failed',
      'FAILED',
    ],
    [
      'that is a stream is a usage error',
      onStream(({ stream }) => {
        stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
        stream.end(whole);
      }),
      'usage',
      'FAILED',
    ],
    [
      'that is an error without a reason is rpc_failed',
      onStream(({ stream }) => {
        stream.respond({ ':status': 500 });
        stream.end('<html>');
      }),
      'rpc_failed',
      'FAILED',
    ],
    ['that does not come is a time-out', onStream(() => undefined), 'timeout', 'TIMED_OUT'],
    [
      'that stops in the middle is a time-out',
      onStream(({ stream }) => {
        stream.respond({ ':status': 200, ...json });
        stream.write(whole);
      }),
      'timeout',
      'TIMED_OUT',
    ],
  ])('%s', async (_what, script, code, status) => {
    await withService(script, {}, async (service) => {
      expect(await codeOf(service.call('ping', undefined, { timeoutMs: 200 }))).toBe(code);
      expect(service.requests.at(-1)).toMatchObject({ status, errorCode: code, rpcName: 'ping' });
      expect(await service.call('echo', [1])).toEqual([1]);
    });
  });

  it('larger than its limit is refused before it is held', async () => {
    const script = onStream(({ stream }) => {
      stream.respond({ ':status': 200, ...json });
      const more = (): void => {
        while (stream.write(Buffer.alloc(64 * 1024, 32)));
      };
      stream.on('drain', more);
      more();
    });
    await withService(script, {}, async (service) => {
      expect(await codeOf(service.call('ping'))).toBe('limit_exceeded');
      expect(service.requests.at(-1)?.bytesRead).toBeLessThan(17 * 1024 * 1024);
    });
  });
});

describe('the code in a GOAWAY', () => {
  it.each([
    ['access_token_rejected', 'access_token_rejected'],
    ['access_token_required', 'access_token_required'],
    ['e2ee_required', 'e2ee_required'],
    ['shutting_down', 'session_ended'],
    ['fingerprint_mismatch', 'session_ended'],
    ['no such code', 'session_ended'],
    ['', 'session_ended'],
  ])('%j ends what runs on the session with %s', async (opaque, code) => {
    const script = onStream(({ session }) => goAway(session, opaque));
    await withService(script, {}, async (service) => {
      expect(await codeOf(service.call('ping'))).toBe(code);
      expect(await codeOf(service.call('echo', 1))).toBe('resolved');
    });
  });

  it('ends a running stream, too', async () => {
    const script = onStream(({ stream, session }) => {
      stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
      stream.write('some');
      setTimeout(() => goAway(session, 'access_token_rejected'), 10);
    });
    await withService(script, {}, async (service) => {
      const { body, request } = await service.stream('ping', { body: Buffer.alloc(0) });
      expect(await codeOf(body.toArray())).toBe('access_token_rejected');
      expect(request.status).toBe('REJECTED');
    });
  });
});

describe('over HTTP/1.1 an answer', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
  it.each([
    ['short of its content-length is truncated', `${head}content-length: 100\r\n\r\n${whole}`, 'truncated'],
    [
      'without its last chunk is truncated',
      `${head}transfer-encoding: chunked\r\n\r\n${whole.length.toString(16)}\r\n${whole}\r\n`,
      'truncated',
    ],
    [
      'with half a chunk is truncated',
      `${head}transfer-encoding: chunked\r\n\r\nff\r\n${whole}`,
      'truncated',
    ],
    ['with neither is truncated', `${head}connection: close\r\n\r\n${whole}`, 'truncated'],
    [
      'with both is refused',
      `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      'session_ended',
    ],
    ['that is cut in its head is session_ended', 'HTTP/1.1 200 OK\r\ncontent-', 'session_ended'],
    ['that is nothing is session_ended', '', 'session_ended'],
    ['that is no HTTP is session_ended', 'SSH-2.0-OpenSSH\r\n\r\n', 'session_ended'],
    ['with a huge head is session_ended', `${head}x: ${'y'.repeat(20_000)}\r\n\r\n`, 'session_ended'],
    ['that is whole is taken', `${head}content-length: ${whole.length}\r\n\r\n${whole}`, 'resolved'],
    [
      'in chunks that is whole is taken',
      `${head}transfer-encoding: chunked\r\n\r\ne\r\n${whole}\r\n0\r\n\r\n`,
      'resolved',
    ],
  ])('%s', async (_what, bytes, code) => {
    const script = onPing(({ connection }) => connection.end(bytes));
    await withService(script, { useH2WhenAvailable: false }, async (service) => {
      expect(await codeOf(service.call('ping'))).toBe(code);
      expect(await codeOf(service.call('echo', 1))).toBe('resolved');
    });
  });
});
