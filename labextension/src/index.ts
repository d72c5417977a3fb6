// The plugin: it asks the server for its status, and shows it.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Poll } from '@lumino/polling';
import { extendLifetime, fetchGuide, fetchLog, fetchStatus } from './api.js';
import {
  extensionText,
  firstSentence,
  isExtended,
  isExtensible,
  newEnds,
  type Status,
  warning,
  warningText
} from './status.js';
import { KEEP_RUNNING, ServerPanel, serverIcon, StatusItem } from './widgets.js';

/** Milliseconds between two requests for the status. A hidden page sends none. */
const INTERVAL = 5000;

/** Milliseconds for which a success is shown. By default JupyterLab only adds it to its list. */
const SHOWN = 10_000;

const GUIDE_COMMAND = 'yarnhub:guide';

const now = (): number => Date.now() / 1000;

/** Show what has happened since the last status. */
class Notifier {
  private readonly given = new Set<number>();
  private readonly warnings: string[] = [];
  private last: Status | null = null;
  private since = now();

  constructor(
    private readonly open: () => void,
    private readonly extend: () => void
  ) {}

  show(status: Status): void {
    if (isExtended(this.last, status)) {
      this.given.clear();
      this.warnings.splice(0).forEach(id => Notification.dismiss(id));
    }
    this.last = status;
    for (const end of newEnds(status, this.since)) {
      this.since = end.when;
      const actions = [{ label: 'Show the Server', callback: this.open }];
      Notification.error(firstSentence(end.sentence), { autoClose: false, actions });
    }
    const due = warning(status, now(), this.given);
    if (due !== null) {
      this.given.add(due);
      const keep = { label: KEEP_RUNNING, callback: this.extend };
      const actions = isExtensible(status) ? [keep] : [];
      const text = warningText(status, now());
      this.warnings.push(Notification.warning(text, { autoClose: false, actions }));
    }
  }
}

function addGuide(
  app: JupyterFrontEnd,
  rendermime: IRenderMimeRegistry | null,
  menu: IMainMenu | null
): void {
  if (rendermime === null) {
    return;
  }
  app.commands.addCommand(GUIDE_COMMAND, {
    label: 'Guide to Servers on YARN',
    execute: async () => {
      const content = rendermime.createRenderer('text/markdown');
      const data = { 'text/markdown': await fetchGuide() };
      await content.renderModel(rendermime.createModel({ data }));
      content.addClass('yarnhub-guide');
      const widget = new MainAreaWidget({ content });
      widget.id = 'yarnhub-guide';
      widget.title.label = 'Guide';
      widget.title.icon = serverIcon;
      widget.title.closable = true;
      app.shell.add(widget, 'main');
    }
  });
  menu?.helpMenu.addGroup([{ command: GUIDE_COMMAND }], 0);
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'yarnhub:server',
  description: 'Shows memory, time left, log and facts of a server on YARN.',
  autoStart: true,
  optional: [IStatusBar, IMainMenu, IRenderMimeRegistry],
  activate: async (
    app: JupyterFrontEnd,
    statusBar: IStatusBar | null,
    menu: IMainMenu | null,
    rendermime: IRenderMimeRegistry | null
  ) => {
    const first = await fetchStatus();
    if (first === null) {
      return;
    }
    let last = first;
    const extend = async (): Promise<void> => {
      try {
        const before = last;
        show(await extendLifetime());
        Notification.success(extensionText(before, last, now()), { autoClose: SHOWN });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        Notification.error(`The server ends as before. ${reason}`, { autoClose: false });
      }
    };
    const panel = new ServerPanel(fetchLog, extend);
    app.shell.add(panel, 'right', { rank: 1000 });
    const open = (): void => app.shell.activateById(panel.id);
    const item = new StatusItem(open);
    statusBar?.registerStatusItem('yarnhub:status', { item, align: 'left', rank: 100 });
    addGuide(app, rendermime, menu);
    const notifier = new Notifier(open, () => void extend());
    const show = (status: Status): void => {
      last = status;
      item.showStatus(status, now());
      panel.showStatus(status, now());
      notifier.show(status);
    };
    show(first);
    new Poll({
      name: 'yarnhub:status',
      frequency: { interval: INTERVAL, backoff: true, max: 12 * INTERVAL },
      standby: 'when-hidden',
      factory: async () => {
        const status = await fetchStatus();
        if (status !== null) {
          show(status);
        }
      }
    });
  }
};

export default plugin;
