// The inspector's calls: each goes to the request log as it is; what a person changes there is on record.
import { done } from './call-context.ts';
import type { CallsOf, ConsoleParts, Handlers } from './call-context.ts';

export function requestHandlers(parts: ConsoleParts): Handlers<CallsOf<'requests'>> {
  const { installation, exports } = parts;
  const inspector = async () => (await installation.foundation()).inspector;
  return {
    'requests.page': async (query, { signal }) => (await inspector()).page(query, signal),
    'requests.pageAt': async (query, { signal }) => (await inspector()).pageAt(query, signal),
    'requests.pageNear': async (query, { signal }) => (await inspector()).pageNear(query, signal),
    'requests.count': async ({ filter }, { signal }) => (await inspector()).count(filter, signal),
    'requests.detail': async ({ id }, { signal }) => (await inspector()).detail(id, signal),
    'requests.chart': async (query, { signal }) => (await inspector()).chart(query, signal),
    'requests.complete': async (query, { signal }) => (await inspector()).complete(query, signal),
    'requests.pin': async ({ id, pinned }) => {
      await (await inspector()).pin(id, pinned);
      return done;
    },
    'requests.annotate': async ({ id, note }) => {
      await (await inspector()).annotate(id, note);
      return done;
    },
    'requests.export': (query, { session }) => exports.prepare(session, query),
    'requests.cancelExport': ({ id }, { session }) => {
      exports.cancel(session, id);
      return done;
    },
  };
}

export function viewHandlers({ installation }: ConsoleParts): Handlers<CallsOf<'views'>> {
  const inspector = async () => (await installation.foundation()).inspector;
  return {
    'views.list': async () => ({ views: await (await inspector()).views() }),
    'views.save': async (view) => (await inspector()).saveView(view),
    'views.delete': async ({ id }) => {
      await (await inspector()).deleteView(id);
      return done;
    },
  };
}

export function auditHandlers({ installation }: ConsoleParts): Handlers<CallsOf<'audit'>> {
  return {
    'audit.page': async (query, { signal }) => (await installation.foundation()).audit.page(query, signal),
  };
}
