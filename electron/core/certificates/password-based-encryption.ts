// Bounds what a stranger's encrypted file may cost: an iteration count is looked at before it is spent.
// Reads the ASN.1 of node-forge; it must never run a derivation itself before the count has been checked.
import forge from 'node-forge';

type Asn1 = forge.asn1.Asn1;

/** Iterations that one import may spend on all its derivations: some seconds in JavaScript. OpenSSL writes 2,048 each. */
const maxIterations = 1_000_000;
const pbes2Oid = '1.2.840.113549.1.5.13';
const pbkdf2Oid = '1.2.840.113549.1.5.12';

/** Where a file is not of the form that it should have. Never leaves this folder. */
export class MalformedError extends Error {}

/** Counts down what is left of an import's iterations. */
export class IterationBudget {
  #left = maxIterations;

  /** @throws MalformedError when `iterations` is no positive number or more than is left */
  spend(iterations: number): void {
    if (!(iterations >= 1) || iterations > this.#left)
      throw new MalformedError('it asks for too many iterations');
    this.#left -= iterations;
  }
}

/**
 * Decrypts with an AlgorithmIdentifier of PKCS#12 or PBES2 (RFC 7292 appendix B, RFC 8018).
 * @throws MalformedError; node-forge's own errors for algorithms that it does not have
 */
export function decryptWith(
  algorithm: Asn1,
  encrypted: string,
  passphrase: string,
  budget: IterationBudget,
): forge.util.ByteBuffer {
  spendFor(algorithm, budget);
  const oid = oidAt(algorithm, 0);
  // PBES2 takes UTF-8 (RFC 8018), the PKCS#12 schemes UTF-16, which node-forge makes of the text itself.
  const password = oid === pbes2Oid ? forge.util.encodeUtf8(passphrase) : passphrase;
  const cipher = pbe.getCipher(oid, childAt(algorithm, 1), password);
  cipher.update(forge.util.createBuffer(encrypted));
  if (!cipher.finish()) throw new MalformedError('the passphrase is wrong, or the file is damaged');
  return cipher.output;
}

/** Takes the iterations of an AlgorithmIdentifier off the budget. @throws MalformedError */
export function spendFor(algorithm: Asn1, budget: IterationBudget): void {
  const parameters = childAt(algorithm, 1);
  if (oidAt(algorithm, 0) !== pbes2Oid) {
    // Key and initialisation vector are derived separately.
    budget.spend(2 * integerAt(parameters, 1));
    return;
  }
  const derivation = childAt(parameters, 0);
  if (oidAt(derivation, 0) === pbkdf2Oid) budget.spend(2 * integerAt(childAt(derivation, 1), 1));
}

/** @throws MalformedError where `node` has no such child */
export function childAt(node: Asn1, index: number): Asn1 {
  const child = children(node)[index];
  if (child === undefined) throw new MalformedError('a part is missing');
  return child;
}

export function children(node: Asn1): readonly Asn1[] {
  if (!Array.isArray(node.value)) throw new MalformedError('a part is not composed as it should be');
  return node.value;
}

/** The content of an OCTET STRING, also of one in pieces (BER). */
export function octets(node: Asn1): string {
  return Array.isArray(node.value) ? node.value.map(octets).join('') : node.value;
}

export function oidAt(node: Asn1, index: number): string {
  return forge.asn1.derToOid(octets(childAt(node, index)));
}

/** A small positive INTEGER. */
export function integerAt(node: Asn1, index: number): number {
  const child = childAt(node, index);
  const bytes = Buffer.from(octets(child), 'latin1');
  if (bytes.length < 1 || bytes.length > 5) throw new MalformedError('a number is out of bounds');
  return bytes.readIntBE(0, bytes.length);
}

/** What the type declarations of node-forge leave out. */
interface PasswordBasedEncryption {
  getCipher(oid: string, parameters: Asn1, password: string): forge.cipher.BlockCipher;
}
const { pbe } = forge.pki as unknown as { readonly pbe: PasswordBasedEncryption };
