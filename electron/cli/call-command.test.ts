// `gatehouse call` and `gatehouse services` as a person and a script see them: output, exit codes, secrets in files.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Script } from '../../shared/testing/script.ts';
import { startScriptedService, scriptedServiceId as id } from '../../shared/testing/scripted-service.ts';
import { scriptedToken, scriptedTokenText } from '../../shared/testing/scripted-world.ts';
import { addCallCommand } from './call-command.ts';
import { runCall } from './call-run.ts';
import { addServicesCommand } from './services-command.ts';

let folder = '';
let tokenFile = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-call-'));
  vi.stubEnv('GATEHOUSE_HOME', join(folder, 'home'));
  tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${scriptedTokenText}\n`, { mode: 0o600 });
});
afterEach(async () => {
  process.exitCode = 0;
  await rm(join(folder, 'home'), { recursive: true, force: true });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

interface Output {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `gatehouse …` in this process. */
async function gatehouse(...argv: string[]): Promise<Output> {
  const program = new Command('gatehouse').exitOverride();
  addCallCommand(program);
  addServicesCommand(program);
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await program.parseAsync(argv, { from: 'user' });
    const text = (spy: typeof out): string => spy.mock.calls.map(([chunk]) => String(chunk)).join('');
    return { exitCode: Number(process.exitCode ?? 0), out: text(out), err: text(err) };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

async function withPeer(
  script: Script,
  test: (relay: string, fingerprint: string) => Promise<void>,
): Promise<void> {
  const peer = await startScriptedService(script);
  try {
    await test(peer.url, peer.fingerprint);
  } finally {
    await peer.close();
  }
}

const required: Script = { token: scriptedToken, capabilities: { sessionVerificationRequired: true } };

describe('gatehouse call', () => {
  it('prints the result on stdout, and on stderr how it was protected', async () => {
    await withPeer(required, async (relay, fingerprint) => {
      const secrets = ['--fingerprint', fingerprint, '--access-token-file', tokenFile];
      const { exitCode, out, err } = await gatehouse('call', id, 'ping', '--relay', relay, ...secrets);
      expect([exitCode, JSON.parse(out)]).toEqual([0, { pong: true, serverTime: 0 }]);
      expect(err).toBe('end-to-end encrypted · fingerprint verified · session verified\n');
    });
  });

  it('prints capabilities without a token also where verification is required', async () => {
    await withPeer(required, async (relay, fingerprint) => {
      const argv = ['call', id, 'capabilities', '--relay', relay, '--fingerprint', fingerprint];
      const { exitCode, out } = await gatehouse(...argv);
      expect([exitCode, JSON.parse(out)]).toMatchObject([0, { e2ee: { sessionVerificationRequired: true } }]);
    });
  });

  it('with --json prints result and request on one line', async () => {
    await withPeer({}, async (relay, fingerprint) => {
      const { out } = await gatehouse(
        'call',
        id,
        'echo',
        '{"a":1}',
        '--relay',
        relay,
        '--fingerprint',
        fingerprint,
        '--json',
      );
      expect(out.trimEnd()).not.toContain('\n');
      expect(JSON.parse(out)).toMatchObject({
        result: { a: 1 },
        request: {
          rpcName: 'echo',
          status: 'SUCCESS',
          serviceId: id,
          h2MultiplexingUsed: true,
          e2ee: {
            e2eeUsed: true,
            sha256HashHexdigest: fingerprint,
            verifiedBy: 'fingerprint',
            sessionVerified: false,
          },
        },
      });
    });
  });

  it('with --verbose adds the table', async () => {
    await withPeer({}, async (relay) => {
      const { err } = await gatehouse('call', id, 'ping', '--relay', relay, '-v', '--no-h2');
      expect(err).toMatch(/fingerprint NOT verified.*session not verified\n-+ {2}-+\nrequest/);
    });
  });

  it('escapes in a result what could steer the terminal', async () => {
    await withPeer({}, async (relay) => {
      const evil = JSON.stringify('\u001b[2J\u009b1A\u202e');
      const { out } = await gatehouse('call', id, 'echo', evil, '--relay', relay);
      expect(out).toBe('"\\u001b[2J\\u009b1A\\u202e"\n');
    });
  });

  it.each<[string, number, string, Script, (fingerprint: string) => string[]]>([
    ['arguments that are no JSON', 2, 'usage', {}, () => ['{x']],
    ['a time-out that is none', 2, 'usage', {}, () => ['--timeout', 'soon']],
    [
      'a token without a fingerprint',
      2,
      'fingerprint_required',
      required,
      () => ['--access-token-file', tokenFile],
    ],
    ['a fingerprint that is none', 2, 'fingerprint_invalid', {}, () => ['--fingerprint', 'abc']],
    ['another fingerprint', 3, 'fingerprint_mismatch', {}, () => ['--fingerprint', 'ab'.repeat(32)]],
    [
      'no token where one is required',
      4,
      'access_token_required',
      required,
      (fingerprint) => ['--fingerprint', fingerprint],
    ],
    [
      'a token that is not accepted',
      4,
      'access_token_rejected',
      { ...required, token: { ...scriptedToken, secret: 'x'.repeat(43) } },
      (fingerprint) => ['--fingerprint', fingerprint, '--access-token-file', tokenFile],
    ],
    [
      'a service that cannot prove the token',
      4,
      'service_not_verified',
      { ...required, tamperScram: (step, text) => (step === 'final' ? `v=${'A'.repeat(43)}=` : text) },
      (fingerprint) => ['--fingerprint', fingerprint, '--access-token-file', tokenFile],
    ],
    ['credentials that the relay refuses', 4, 'not_authorised', { relayToken: 'other' }, () => []],
    ['plaintext where E2EE is required', 5, 'e2ee_required', {}, () => ['--e2ee', 'never']],
    [
      'a service that is offline',
      6,
      'service_offline',
      { answerStream: () => ({ code: 'service_offline', message: 'It is offline.' }) },
      () => [],
    ],
    [
      'an altered answer',
      1,
      'downgrade_detected',
      { tamperOutside: (honest) => ({ ...honest, h2: false }) },
      () => [],
    ],
  ])('%s ends it with exit code %i and %s', async (_what, exitCode, code, script, argv) => {
    await withPeer(script, async (relay, fingerprint) => {
      const result = await gatehouse('call', id, 'ping', ...argv(fingerprint), '--relay', relay, '--json');
      expect([result.exitCode, (JSON.parse(result.out) as { error: unknown }).error]).toMatchObject([
        exitCode,
        { code },
      ]);
      expect(result.out + result.err).not.toContain(scriptedToken.secret);
    });
  });

  it('a relay that is not there ends it with exit code 6, in words', async () => {
    const { exitCode, out, err } = await gatehouse('call', id, 'ping', '--relay', 'ws://127.0.0.1:1');
    expect([exitCode, out]).toEqual([6, '']);
    expect(err).toMatch(/^gatehouse: The relay .* cannot be reached.*\[relay_unreachable\]\n$/);
  });

  it.each(['--access-token-file', '--relay-token-file'])(
    'refuses a %s that others can read',
    async (option) => {
      const open = join(folder, 'open');
      await writeFile(open, scriptedTokenText);
      await chmod(open, 0o644);
      const argv = ['--fingerprint', 'ab'.repeat(32), option, open, '--relay', 'ws://127.0.0.1:1'];
      const { exitCode, err } = await gatehouse('call', id, 'ping', ...argv);
      expect(exitCode).toBe(1);
      expect(err).toMatch(/chmod 600 .*\[file_too_open\]/);
    },
  );

  it('warns on stderr before it sends anything in the clear', async () => {
    await withPeer({ capabilities: { required: false } }, async (relay) => {
      const { exitCode, err } = await gatehouse('call', id, 'ping', '--relay', relay, '--e2ee', 'never');
      expect(exitCode).toBe(0);
      expect(err).toMatch(/^gatehouse: warning: .*WITHOUT end-to-end encryption.*\nNOT end-to-end encrypted/);
    });
  });

  it.each([false, true])('streams octets from stdin to stdout for echo (--json: %s)', async (json) => {
    const echoing: Script = {
      rpc: ({ rpcName, h2 }) => {
        if (rpcName !== 'echo' || h2 === null) return false;
        h2.stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
        h2.stream.pipe(h2.stream);
        return true;
      },
    };
    await withPeer(echoing, async (relay, fingerprint) => {
      const options = { relay, fingerprint, h2: true, e2ee: 'when_available', json } as const;
      const spy = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      const stdout = new PassThrough();
      await runCall(
        { serviceId: id, rpc: 'echo', args: '-', options },
        Readable.from([Buffer.from('häh')]),
        stdout,
      );
      const printed = spy.mock.calls.map(([chunk]) => String(chunk)).join('');
      vi.restoreAllMocks();
      if (json)
        expect(JSON.parse(printed)).toMatchObject({
          result: 'häh',
          request: { status: 'SUCCESS', bytesRead: 4 },
        });
      else expect([printed, String(stdout.read())]).toEqual(['', 'häh']);
    });
  });

  it('reads JSON arguments from stdin for other RPCs, within a limit', async () => {
    await withPeer({}, async (relay) => {
      const options = { relay, h2: true, e2ee: 'when_available', json: true } as const;
      const command = { serviceId: id, rpc: 'ping', args: '-', options };
      const endless = Readable.from(Array(40).fill(Buffer.alloc(65_536)));
      await expect(runCall(command, endless)).rejects.toMatchObject({ code: 'usage' });
      await expect(runCall(command, Readable.from([Buffer.from('{x')]))).rejects.toMatchObject({
        code: 'usage',
      });
    });
  });
});
