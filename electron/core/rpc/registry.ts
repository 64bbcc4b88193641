// Every RPC of the service, one line each.
import { capabilities } from './capabilities.ts';
import { chargen } from './chargen.ts';
import { discard } from './discard.ts';
import { documentsCollections } from './documents-collections.ts';
import { documentsGet } from './documents-get.ts';
import { documentsList } from './documents-list.ts';
import { documentsPut } from './documents-put.ts';
import { documentsVersions } from './documents-versions.ts';
import { echo } from './echo.ts';
import { ping } from './ping.ts';
import type { Rpc } from './rpc.ts';

const all: readonly Rpc[] = [
  capabilities, //
  chargen,
  discard,
  documentsCollections,
  documentsGet,
  documentsList,
  documentsPut,
  documentsVersions,
  echo,
  ping,
];

export const rpcs: ReadonlyMap<string, Rpc> = new Map(all.map((rpc) => [rpc.name, rpc]));
