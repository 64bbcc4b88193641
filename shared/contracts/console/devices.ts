// What the console shows of devices and their sessions, as it crosses from the service to the renderer: plain data.
// Times are milliseconds since the epoch, fingerprints 64 lower-case hex digits of the SHA-256 of a key's SPKI DER.
// The only secret in here is a registration code that a person asked to see once.

/** `pending`: waits for an administrator who has compared both fingerprints. */
export type DeviceStatus = 'pending' | 'confirmed' | 'revoked';

export interface DeviceView {
  readonly id: string;
  /** What the app calls itself: nobody has checked it. */
  readonly name: string;
  readonly status: DeviceStatus;
  readonly fingerprint: string;
  /** Of the OIDC token that it was registered with, verified by the service. */
  readonly issuer: string;
  readonly subject: string;
  readonly registeredAt: number;
  readonly confirmedAt: number | null;
  /** By comparing, or by a registration code; null while pending. */
  readonly confirmedBy: 'administrator' | 'code' | null;
  readonly revokedAt: number | null;
  /** Its last authentic request; null where it has sent none. */
  readonly lastSeenAt: number | null;
  readonly liveSessions: number;
}

/** A live device session: it ends by itself at either limit. */
export interface DeviceSessionView {
  readonly id: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly subject: string;
  readonly startedAt: number;
  readonly endsAt: number;
  readonly requests: number;
  readonly maxRequests: number;
  /** Requests that were accepted before and sent again. */
  readonly replaysRefused: number;
}

/** A registration code that is good still; the code itself is not known any more. */
export interface OpenRegistrationCode {
  readonly id: string;
  readonly expiresAt: number;
}

/** Topic `devices`. */
export interface DevicesView {
  /** The service's own identity key: what an app shows as the agent's fingerprint. */
  readonly agent: { readonly name: string; readonly fingerprint: string };
  /** Without both no device gets in. */
  readonly oidc: { readonly issuer: string; readonly audience: string };
  /** Pending ones first, at most 500 in all. */
  readonly devices: readonly DeviceView[];
  readonly total: number;
  readonly codes: readonly OpenRegistrationCode[];
}

/** Topic `attention`: what waits for the administrator, to be seen from every page. */
export interface Attention {
  /** Devices that have registered and been neither confirmed nor refused. */
  readonly waitingDevices: number;
}

/** Topic `deviceSessions`. */
export interface DeviceSessionsView {
  readonly total: number;
  /** The newest 500. */
  readonly sessions: readonly DeviceSessionView[];
}

/** Shown once. */
export interface CreatedRegistrationCode {
  readonly id: string;
  readonly code: string;
  readonly expiresAt: number;
}
