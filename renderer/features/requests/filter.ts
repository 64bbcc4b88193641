// The inspector's filter box: its fields, its history and where values come from.
import { requestFields } from '../../../shared/contracts/filter/fields.ts';
import type { RequestsPageModel } from '../../state/requests-page.svelte.ts';
import { FilterHistory } from '../../ui/filter-box-history.ts';
import type { FilterBoxOptions } from '../../ui/filter-box.svelte.ts';

/** Values that completion asks the service for. */
const mostValues = 12;

export function requestBox(model: RequestsPageModel, storage: Storage): FilterBoxOptions {
  return {
    fields: requestFields,
    history: new FilterHistory(storage, 'requests'),
    ask: (text) => model.ask(text),
    values: async (field, prefix, signal) => {
      const args = { field, prefix, limit: mostValues };
      return (await model.console.call('requests.complete', args, { signal })).values;
    },
  };
}
