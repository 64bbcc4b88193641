import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedIssuer } from '../../testing/scripted-issuer.ts';
import { SignIn } from './sign-in.ts';
import { ssoLogin } from './sso-login.ts';

const relay = 'wss://relay.example';
let issuer: ScriptedIssuer;
let folder: string;
beforeEach(async () => {
  issuer = await ScriptedIssuer.listen();
  issuer.deviceApproved = true;
  folder = join(mkdtempSync(join(tmpdir(), 'gatehouse-sign-in-')), 'client');
});
afterEach(async () => {
  await issuer.close();
  rmSync(folder, { recursive: true, force: true });
});

async function signIn(expiresIn = 300): Promise<SignIn> {
  issuer.lies.expiresIn = expiresIn;
  const options = { issuer: issuer.issuer, clientId: 'gatehouse' };
  const tokens = await ssoLogin({ ...options, openBrowser: () => undefined, onDeviceCode: () => undefined });
  issuer.lies.expiresIn = 300;
  return SignIn.keep(folder, relay, options, tokens);
}

function file(): string {
  const name = readdirSync(folder).find((each) => each.endsWith('.json'));
  return join(folder, name ?? '');
}

describe('a sign-in', () => {
  it('is kept in a file of its owner alone, and found again under any form of the relay’s URL', async () => {
    const token = await (await signIn()).token();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const again = await SignIn.open(folder, 'https://relay.example/');
    expect(await again?.token()).toBe(token);
    expect(again).toMatchObject({ subject: 'anna', issuer: issuer.issuer, relay });
    expect(await SignIn.open(folder, 'wss://other.example')).toBeNull();
  });

  it('is not used where others can read it, or where it is damaged', async () => {
    await signIn();
    chmodSync(file(), 0o644);
    await expect(SignIn.open(folder, relay)).rejects.toMatchObject({ code: 'file_too_open' });
    chmodSync(file(), 0o600);
    writeFileSync(file(), readFileSync(file(), 'utf8').slice(0, 60));
    await expect(SignIn.open(folder, relay)).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it('is renewed before its token ends, once for all who ask, and keeps the new refresh token', async () => {
    const kept = await signIn(30);
    const tokens = await Promise.all([kept.token(), kept.token(), kept.token()]);
    expect(new Set(tokens).size).toBe(1);
    expect(issuer.refreshed).toHaveLength(1);
    expect(readFileSync(file(), 'utf8')).not.toContain(issuer.refreshed[0]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('is renewed once by two programs that share the file: a rotated token is never used twice', async () => {
    await signIn(30);
    const programs = await Promise.all([SignIn.open(folder, relay), SignIn.open(folder, relay)]);
    const tokens = await Promise.all(programs.map(async (each) => each?.token()));
    expect(tokens[0]).toBe(tokens[1]);
    expect(issuer.refreshed).toHaveLength(1);
  });

  it('is renewed once more where a token was refused, and not where another program has done so already', async () => {
    const [one, two] = [await signIn(), await SignIn.open(folder, relay)];
    const token = await one.token();
    const renewed = await one.token({ renew: true });
    expect(renewed).not.toBe(token);
    expect(await two?.token({ renew: true })).toBe(renewed);
    expect(issuer.refreshed).toHaveLength(1);
  });

  it('never turns into somebody else’s while a program uses it', async () => {
    const kept = await signIn(30);
    issuer.subject = 'mallory';
    await signIn();
    await expect(kept.token()).rejects.toMatchObject({ code: 'oidc_login_failed' });
    expect(kept.subject).toBe('anna');
  });

  it('ends with advice where it cannot be renewed, or comes back as somebody else’s', async () => {
    const kept = await signIn(30);
    issuer.lies.claims = { sub: 'mallory' };
    await expect(kept.token()).rejects.toMatchObject({ code: 'oidc_login_failed' });
    delete issuer.lies.claims;
    issuer.lies.tokenError = 'invalid_grant';
    await expect(kept.token()).rejects.toThrow(/Sign in again: gatehouse login/);
  });

  it('is revoked at the issuer and removed when it ends; a program that still has it signs in again', async () => {
    const other = await signIn(30);
    const kept = await SignIn.open(folder, relay);
    expect(await kept?.end()).toBe(true);
    expect(issuer.revoked).toHaveLength(1);
    expect(await SignIn.open(folder, relay)).toBeNull();
    await expect(other.token()).rejects.toMatchObject({ code: 'oidc_login_failed' });
  });
});
