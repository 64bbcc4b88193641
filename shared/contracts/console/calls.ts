// The console API: every call by name, with the schema of its arguments and who may call it. Handler, preload and
// client derive their types from this table, so a new call is one line here and a compile error everywhere it is
// missing. Must hold no behaviour.
import * as v from 'valibot';
import { settingNames } from '../settings.ts';
import type { Settings, SettingName } from '../settings.ts';
import type { CreatedRegistrationCode } from './devices.ts';
import type { CollectionView, DocumentFetches, DocumentPage, VersionView } from './documents.ts';
import type {
  AuditPage,
  CaptureView,
  CertificateReplacement,
  CreatedToken,
  Measurement,
  RequestChart,
  RequestCount,
  RequestDetail,
  RequestPage,
  SavedView,
  SettingChange,
} from './models.ts';

/** Longest texts that a call takes, in UTF-16 units. */
export const maxLength = {
  password: 1024,
  filter: 4096,
  name: 128,
  note: 4096,
  url: 2048,
  token: 512,
  pem: 65_536,
  cursor: 1024,
  /** A certificate file as base64: 1 MiB of bytes. */
  file: 1_400_000,
  folder: 4096,
  document: 4096,
  search: 256,
  /** Of a page of documents: it holds a name. */
  place: 4096,
} as const;

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const required = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
const wholeNumber = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const time = wholeNumber(0, 8_640_000_000_000_000);
const none = v.strictObject({});
const password = required(maxLength.password);
const filter = text(maxLength.filter);
const cursor = v.nullable(required(maxLength.cursor));
const fingerprint = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const requestId = wholeNumber(1, Number.MAX_SAFE_INTEGER);
const base64 = v.pipe(text(maxLength.file), v.regex(/^[A-Za-z0-9+/]*={0,2}$/));

export const relayChoice = v.variant('kind', [
  v.strictObject({ kind: v.literal('local') }),
  v.strictObject({
    kind: v.literal('url'),
    url: required(maxLength.url),
    enrolmentToken: v.optional(required(maxLength.token)),
    ca: v.optional(required(maxLength.pem)),
  }),
]);

const sort = v.strictObject({
  key: v.picklist(['time', 'duration', 'bytesRead', 'bytesWritten']),
  descending: v.boolean(),
});

const columns = v.pipe(v.array(required(maxLength.name)), v.maxLength(32));

const redactionRule = v.variant('kind', [
  v.strictObject({ kind: v.literal('member'), name: required(maxLength.name) }),
  v.strictObject({ kind: v.literal('pattern'), pattern: required(256) }),
]);

/** Who may call: `anyone` who reaches the console (set-up and sign-in check for themselves), or one who has signed in. */
export type Access = 'anyone' | 'signed_in';

interface Definition<S extends v.GenericSchema, R> {
  readonly args: S;
  readonly access: Access;
  /** Never there: carries the type of the result. */
  readonly result?: R;
}

function call<R>() {
  return <S extends v.GenericSchema>(args: S, access: Access = 'signed_in'): Definition<S, R> => ({
    args,
    access,
  });
}

type Done = Readonly<Record<string, never>>;

export const calls = {
  // signing in
  'console.setup': call<{ serviceId: string; fingerprint: string; callLine: string }>()(
    v.strictObject({
      setupKey: v.optional(required(maxLength.token)),
      password: v.pipe(v.string(), v.minLength(8), v.maxLength(maxLength.password)),
      relay: relayChoice,
      remember: v.optional(v.boolean()),
    }),
    'anyone',
  ),
  'console.unlock': call<Done>()(v.strictObject({ password, remember: v.optional(v.boolean()) }), 'anyone'),
  'console.lock': call<Done>()(none),
  'console.changePassword': call<Done>()(
    v.strictObject({ password, next: v.pipe(v.string(), v.minLength(8), v.maxLength(maxLength.password)) }),
  ),
  'console.forgetPassword': call<Done>()(none),

  // connectivity and certificate
  'connectivity.retryNow': call<Done>()(none),
  'connectivity.measure': call<{ measured: Measurement | null }>()(none),
  'connectivity.setRelay': call<Done>()(v.strictObject({ password, relay: relayChoice })),
  'certificate.renew': call<CertificateReplacement>()(v.strictObject({ password })),
  'certificate.import': call<CertificateReplacement>()(
    v.strictObject({
      password,
      file: base64,
      key: v.optional(base64),
      passphrase: v.optional(text(maxLength.password)),
    }),
  ),

  // settings, tokens, sessions
  /** The password is needed where a change opens what was closed. */
  'settings.set': call<{ changes: readonly SettingChange[] }>()(
    v.strictObject({
      name: v.picklist(settingNames as [SettingName, ...SettingName[]]),
      value: v.union([v.boolean(), v.number(), text(maxLength.url)]),
      password: v.optional(password),
    }),
  ),
  /** Language and theme are kept by the browser; that they were changed is on record as any other change. */
  'settings.appearance': call<Done>()(
    v.strictObject({ name: v.picklist(['language', 'theme']), old: required(16), value: required(16) }),
  ),
  'tokens.create': call<CreatedToken>()(
    v.strictObject({ user: required(maxLength.name), expiresAt: v.nullable(time) }),
  ),
  'tokens.revoke': call<{ sessionsEnded: number }>()(v.strictObject({ id: required(maxLength.name) })),
  'sessions.end': call<Done>()(v.strictObject({ id: required(maxLength.name) })),

  // devices and their sessions
  /** The fingerprint is the one that was compared: another one is never confirmed instead. */
  'devices.confirm': call<Done>()(v.strictObject({ id: required(maxLength.name), fingerprint })),
  /** Of a pending one: it is forgotten. */
  'devices.refuse': call<Done>()(v.strictObject({ id: required(maxLength.name) })),
  'devices.revoke': call<{ sessionsEnded: number }>()(v.strictObject({ id: required(maxLength.name) })),
  'devices.createCode': call<CreatedRegistrationCode>()(none),
  'devices.cancelCode': call<Done>()(v.strictObject({ id: required(maxLength.name) })),
  'devices.endSession': call<Done>()(v.strictObject({ id: required(maxLength.name) })),

  // documents
  'documents.publish': call<CollectionView>()(
    v.strictObject({
      name: required(maxLength.name),
      folder: required(maxLength.folder),
      allowUpload: v.boolean(),
    }),
  ),
  'documents.remove': call<Done>()(v.strictObject({ name: required(maxLength.name) })),
  'documents.list': call<DocumentPage>()(
    v.strictObject({
      collection: required(maxLength.name),
      search: text(maxLength.search),
      cursor: v.nullable(required(maxLength.place)),
      limit: wholeNumber(1, 500),
    }),
  ),
  'documents.versions': call<{ versions: readonly VersionView[] }>()(
    v.strictObject({ collection: required(maxLength.name), document: required(maxLength.document) }),
  ),
  /** Who fetched what, newest first: of everything, a collection, or one document of it. */
  'documents.fetches': call<DocumentFetches>()(
    v.strictObject({
      collection: v.nullable(required(maxLength.name)),
      document: v.nullable(required(maxLength.document)),
      cursor,
      limit: wholeNumber(1, 500),
    }),
  ),

  // the inspector
  'requests.page': call<RequestPage>()(
    v.strictObject({ filter, sort, cursor, backwards: v.boolean(), limit: wholeNumber(1, 500) }),
  ),
  /** The page that holds one request, at most `limit` rows with it about in the middle. */
  'requests.pageAt': call<RequestPage>()(
    v.strictObject({ filter, sort, id: requestId, limit: wholeNumber(1, 500) }),
  ),
  /** The page that begins at a share (0 to 1) of the rows, about: for the scroll bar. */
  'requests.pageNear': call<RequestPage>()(
    v.strictObject({
      filter,
      sort,
      share: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      limit: wholeNumber(1, 500),
    }),
  ),
  'requests.count': call<RequestCount>()(v.strictObject({ filter })),
  'requests.detail': call<RequestDetail>()(v.strictObject({ id: requestId })),
  'requests.chart': call<RequestChart>()(
    v.strictObject({ filter, from: v.nullable(time), to: v.nullable(time), buckets: wholeNumber(1, 500) }),
  ),
  'requests.complete': call<{ values: readonly string[] }>()(
    v.strictObject({ field: required(32), prefix: text(maxLength.name), limit: wholeNumber(1, 50) }),
  ),
  'requests.pin': call<Done>()(v.strictObject({ id: requestId, pinned: v.boolean() })),
  'requests.annotate': call<Done>()(v.strictObject({ id: requestId, note: text(maxLength.note) })),
  /** Starts when `url` is read; it can be read once. */
  'requests.export': call<{ id: string; url: string; fileName: string }>()(
    v.strictObject({ filter, sort, format: v.picklist(['har', 'ndjson', 'csv']) }),
  ),
  'requests.cancelExport': call<Done>()(v.strictObject({ id: required(64) })),
  'views.list': call<{ views: readonly SavedView[] }>()(none),
  'views.save': call<SavedView>()(v.strictObject({ name: required(maxLength.name), filter, sort, columns })),
  'views.delete': call<Done>()(v.strictObject({ id: required(64) })),
  /** On for `minutes`; 0 switches it off. */
  'capture.set': call<CaptureView>()(
    v.strictObject({
      minutes: wholeNumber(0, 240),
      rpcNames: v.pipe(v.array(required(64)), v.maxLength(64)),
      maxBytes: wholeNumber(1, 1_048_576),
      redact: v.pipe(v.array(redactionRule), v.maxLength(64)),
    }),
  ),

  'audit.page': call<AuditPage>()(v.strictObject({ filter, cursor, limit: wholeNumber(1, 500) })),
} as const;

export type CallName = keyof typeof calls;
export type CallArgs<N extends CallName> = v.InferOutput<(typeof calls)[N]['args']>;
export type CallResult<N extends CallName> = NonNullable<(typeof calls)[N]['result']>;

export const callNames = Object.keys(calls) as readonly CallName[];

export function isCallName(name: unknown): name is CallName {
  return typeof name === 'string' && Object.hasOwn(calls, name);
}

export type { Settings };
