// Every text exists in every language, says something, and takes the same values; every error code has a sentence.
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../shared/contracts/errors.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { describeError } from './error-text.ts';
import { locale } from './locale.svelte.ts';

const languages = ['en', 'de'] as const;
const modules = import.meta.glob<Readonly<Record<string, unknown>>>('../messages/*/*.json', {
  eager: true,
  import: 'default',
});
const codes = Object.keys(errorCodes) as ErrorCode[];

function filesOf(language: string): readonly string[] {
  const folder = `../messages/${language}/`;
  const paths = Object.keys(modules).filter((path) => path.startsWith(folder));
  return paths.map((path) => path.slice(folder.length)).sort();
}

const files = filesOf('en');

function messagesOf(language: string, file: string): Readonly<Record<string, unknown>> {
  return modules[`../messages/${language}/${file}`] ?? {};
}

/** Names in braces, of a text or of all variants of one. */
function valuesOf(message: unknown): readonly string[] {
  const text = JSON.stringify(message);
  return [...new Set(Array.from(text.matchAll(/\{(\w+)\}/g), (match) => match[1] ?? ''))].sort();
}

describe('messages', () => {
  it('have the same files in each language', () => {
    expect(files).not.toEqual([]);
    expect(filesOf('de')).toEqual(files);
  });

  it.each(files)(
    'of %s have the same keys, each beginning with the name of the file, in each language',
    (file) => {
      const [en, de] = languages.map((language) => Object.keys(messagesOf(language, file)).sort());
      expect(de).toEqual(en);
      const page = file.replace('.json', '');
      const foreign = (en ?? []).filter((key) => !key.startsWith(page === 'errors' ? 'error_' : `${page}_`));
      expect(foreign).toEqual([]);
    },
  );

  it.each(files)('of %s are never empty and take the same values in each language', (file) => {
    const en = messagesOf('en', file);
    const de = messagesOf('de', file);
    for (const key of Object.keys(en)) {
      expect(JSON.stringify(de[key]).trim(), key).not.toBe('""');
      expect(valuesOf(de[key]), key).toEqual(valuesOf(en[key]));
    }
  });

  it('say something else in German than in English, but for names and examples', () => {
    const same = files.flatMap((file) => {
      const en = messagesOf('en', file);
      const de = messagesOf('de', file);
      const long = Object.keys(en).filter((key) => /^.{24,}$/.test(String(en[key])));
      return long.filter((key) => en[key] === de[key] && !key.endsWith('_example'));
    });
    expect(same).toEqual([]);
  });
});

describe('errors', () => {
  it.each(languages)('have a sentence for every code, and for none that is gone, in %s', (language) => {
    const keys = Object.keys(messagesOf(language, 'errors.json')).sort();
    expect(keys).toEqual(codes.map((code) => `error_${code}`).sort());
  });

  it('are told in the chosen language, with the service’s own sentence where it says more', () => {
    const error = new GatehouseError('storage_failed', 'Cannot write /data/secrets.json: no space left.');
    locale.current = 'de';
    const told = describeError(error);
    locale.current = 'en';
    expect(told.text).toContain('Speicherplatz');
    expect(told.detail).toBe('Cannot write /data/secrets.json: no space left.');
    expect(told.code).toBe('storage_failed');
    expect(describeError(error).text).not.toBe(told.text);
  });

  it('do not say the same twice', () => {
    const error = new GatehouseError('e2ee_required', errorCodes.e2ee_required);
    expect(describeError(error).detail).toBeNull();
  });

  it('of any other kind are a defect, told without a stack', () => {
    const told = describeError(new TypeError('x is undefined'));
    expect(told.code).toBe('internal');
    expect(told.detail).not.toMatch(/\bat /);
  });
});
