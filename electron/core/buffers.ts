// For the hosts whose row of the import table ends at the core: what a process that passes bytes on does first.
export { collectBuffersEarly } from '../../shared/net/garbage.ts';
