// Passes a service's enrolment on to another relay, as a relay that lies would: with the other one's nonce.
// For tests alone.
import { GatehouseError } from '../contracts/errors.ts';
import { dialWebSocket } from '../net/dial.ts';
import { nextOpening, relayPaths, sendOpening } from '../net/opening.ts';
import type { OpeningOf } from '../net/opening.ts';

export type EnrolMessage = OpeningOf<'enrol'>;

export interface HalfOpenEnrolment {
  /** What the relay wants signed. */
  readonly nonce: string;
  /** Hands in `enrol`; resolves with the code of the refusal, or null where it was welcomed. */
  readonly answer: (enrol: EnrolMessage) => Promise<string | null>;
  readonly close: () => void;
}

/** Dials `relay` as a service, and stops where it has to prove its key. */
export async function beginEnrolment(relay: URL): Promise<HalfOpenEnrolment> {
  const channel = await dialWebSocket(relay, relayPaths.service);
  const { nonce } = await nextOpening(channel, 'challenge', 5000);
  const close = (): void => {
    channel.close(new GatehouseError('cancelled', 'The test is over.'));
  };
  const answer = async (enrol: EnrolMessage): Promise<string | null> => {
    sendOpening(channel, enrol);
    try {
      await nextOpening(channel, 'welcome', 5000);
      return null;
    } catch (error) {
      return error instanceof GatehouseError ? error.code : String(error);
    } finally {
      close();
    }
  };
  return { nonce, answer, close };
}
