// `gatehouse service collection`: which folders are published as document collections.
// Declares the commands; what they do is in collection-admin.ts, loaded when called.
import type { Command } from 'commander';
import { optionsOf } from './command-options.ts';
import type { AddOptions } from './collection-admin.ts';
import { runAction } from './output.ts';
import { defaultFolder } from './paths.ts';
import type { DataOptions } from './service-options.ts';

export function addCollectionCommands(service: Command): void {
  const collection = service
    .command('collection')
    .description('Folders that are published as document collections');
  withData(collection.command('list'))
    .description('List what is published')
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () => (await import('./collection-admin.ts')).listCollections(options));
    });
  withData(collection.command('add'))
    .description('Publish a folder: devices and verified clients can read what is in it')
    .argument('<name>', 'what clients call it')
    .argument('<folder>', 'the folder; hidden files and links in it are not published')
    .option('--allow-upload', 'clients may also write new versions and new documents')
    .action(async (name: string, folder: string, _options: unknown, command: Command) => {
      const options = optionsOf<AddOptions>(command);
      await runAction(options, async () =>
        (await import('./collection-admin.ts')).addCollection(name, folder, options),
      );
    });
  withData(collection.command('remove'))
    .description('Publish a folder no longer; its files stay as they are')
    .argument('<name>')
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () =>
        (await import('./collection-admin.ts')).removeCollection(name, options),
      );
    });
}

function withData(command: Command): Command {
  return command
    .option('--data <folder>', 'data folder of the service', defaultFolder('service'))
    .option('--json', 'print one line of JSON');
}
