// Opens PKCS#12 files (RFC 7292): node-forge decrypts, and the DER of keys and certificates goes to
// node:crypto, which knows EC keys where node-forge does not. Strangers' bytes: every depth, count and
// iteration is bounded. It must never throw anything but MalformedError, nor put a passphrase into one.
import { createHmac, timingSafeEqual } from 'node:crypto';
import forge from 'node-forge';
import {
  IterationBudget,
  MalformedError,
  childAt,
  children,
  decryptWith,
  integerAt,
  octets,
  oidAt,
} from './password-based-encryption.ts';

type Asn1 = forge.asn1.Asn1;

export interface Pkcs12Content {
  /** PKCS#8 DER. */
  readonly keys: readonly Buffer[];
  /** X.509 DER. */
  readonly certificates: readonly Buffer[];
}

const maxBags = 32;
const maxNesting = 4;
const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  safeContentsBag: '1.2.840.113549.1.12.10.1.6',
  x509Certificate: '1.2.840.113549.1.9.22.1',
};
/** MAC digests by OID, with their length in bytes. */
const macDigests: Readonly<Record<string, readonly ['sha1' | 'sha256' | 'sha384' | 'sha512', number]>> = {
  '1.3.14.3.2.26': ['sha1', 20],
  '2.16.840.1.101.3.4.2.1': ['sha256', 32],
  '2.16.840.1.101.3.4.2.2': ['sha384', 48],
  '2.16.840.1.101.3.4.2.3': ['sha512', 64],
};

/** @throws MalformedError with a reason that fits after "The PKCS#12 file cannot be opened: " */
export function openPkcs12(data: Buffer, passphrase: string): Pkcs12Content {
  try {
    return new Pkcs12Reader(passphrase).read(data);
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    throw new MalformedError(
      'it is no PKCS#12 file, is damaged, or uses an encryption that is not supported',
    );
  }
}

class Pkcs12Reader {
  readonly #passphrase: string;
  readonly #budget = new IterationBudget();
  readonly #keys: Buffer[] = [];
  readonly #certificates: Buffer[] = [];
  #bags = 0;

  constructor(passphrase: string) {
    this.#passphrase = passphrase;
  }

  read(data: Buffer): Pkcs12Content {
    const pfx = parse(data.toString('latin1'));
    if (integerAt(pfx, 0) !== 3) throw new MalformedError('it is not of version 3');
    const safe = dataContent(childAt(pfx, 1));
    const mac = children(pfx)[2];
    if (mac !== undefined) this.#checkMac(mac, safe);
    for (const content of children(parse(safe))) this.#readContents(this.#contentOf(content), 0);
    return { keys: this.#keys, certificates: this.#certificates };
  }

  /** RFC 7292 appendix B.4: MacData ::= {DigestInfo, salt, iterations DEFAULT 1}. */
  #checkMac(mac: Asn1, safe: string): void {
    const info = childAt(mac, 0);
    const [digest, length] = macDigests[oidAt(childAt(info, 0), 0)] ?? [];
    if (digest === undefined || length === undefined)
      throw new MalformedError('its MAC is of an unknown kind');
    const iterations = children(mac).length > 2 ? integerAt(mac, 2) : 1;
    this.#budget.spend(iterations);
    const salt = forge.util.createBuffer(octets(childAt(mac, 1)));
    const key = forge.pkcs12.generateKey(
      this.#passphrase,
      salt,
      3,
      iterations,
      length,
      forge.md[digest].create(),
    );
    const wanted = createHmac(digest, Buffer.from(key.getBytes(), 'latin1')).update(safe, 'latin1').digest();
    const found = Buffer.from(octets(childAt(info, 1)), 'latin1');
    if (found.length !== wanted.length || !timingSafeEqual(found, wanted)) {
      throw new MalformedError('the passphrase is wrong, or the file is damaged');
    }
  }

  /** The SafeContents of a ContentInfo, plain or encrypted. */
  #contentOf(info: Asn1): Asn1 {
    switch (oidAt(info, 0)) {
      case oids.data:
        return parse(dataContent(info));
      case oids.encryptedData: {
        const encrypted = childAt(childAt(childAt(info, 1), 0), 1);
        return parse(this.#decrypt(childAt(encrypted, 1), childAt(encrypted, 2)));
      }
      default:
        throw new MalformedError('it is not protected by a passphrase');
    }
  }

  #readContents(contents: Asn1, nesting: number): void {
    if (nesting > maxNesting) throw new MalformedError('its parts are nested too deeply');
    for (const bag of children(contents)) {
      this.#bags += 1;
      if (this.#bags > maxBags) throw new MalformedError(`it has more than ${String(maxBags)} parts`);
      this.#readBag(oidAt(bag, 0), childAt(childAt(bag, 1), 0), nesting);
    }
  }

  #readBag(kind: string, value: Asn1, nesting: number): void {
    switch (kind) {
      case oids.keyBag:
        this.#keys.push(toDer(value));
        return;
      case oids.shroudedKeyBag:
        this.#keys.push(toDer(parse(this.#decrypt(childAt(value, 0), childAt(value, 1)))));
        return;
      case oids.certificateBag:
        if (oidAt(value, 0) !== oids.x509Certificate) return;
        this.#certificates.push(Buffer.from(octets(childAt(childAt(value, 1), 0)), 'latin1'));
        return;
      case oids.safeContentsBag:
        this.#readContents(value, nesting + 1);
        return;
      default:
      // Revocation lists and secrets of other programs are of no use here.
    }
  }

  #decrypt(algorithm: Asn1, encrypted: Asn1): string {
    return decryptWith(algorithm, octets(encrypted), this.#passphrase, this.#budget).getBytes();
  }
}

function dataContent(info: Asn1): string {
  if (oidAt(info, 0) !== oids.data) throw new MalformedError('it is not protected by a passphrase');
  return octets(childAt(childAt(info, 1), 0));
}

/** BER is allowed here (RFC 7292 section 4); bytes after the end are not. */
function parse(bytes: string): Asn1 {
  return forge.asn1.fromDer(bytes);
}

function toDer(node: Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(node).getBytes(), 'latin1');
}
