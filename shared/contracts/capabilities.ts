// What `capabilities` answers, outside TLS and inside: versions and requirements, nothing else.
import * as v from 'valibot';

export const protocolVersion = 1;

export const capabilitiesSchema = v.object({
  /** Protocol versions that the service speaks. */
  versions: v.pipe(v.array(v.pipe(v.number(), v.integer())), v.minLength(1), v.maxLength(16)),
  e2ee: v.object({
    available: v.boolean(),
    required: v.boolean(),
    sessionVerificationRequired: v.boolean(),
  }),
  /** Whether HTTP/2 is offered inside E2EE. */
  h2: v.boolean(),
});

export type Capabilities = v.InferOutput<typeof capabilitiesSchema>;
