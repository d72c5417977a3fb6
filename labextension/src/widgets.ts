// The item of the status bar, and the panel of the side bar.

import { LabIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import { isExtensible, isHigh, rows, type Status, summary } from './status.js';

export const serverIcon = new LabIcon({
  name: 'yarnhub:server',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">' +
    '<g class="jp-icon3" fill="#616161"><path d="M2 2h12v5H2zm1.5 1.5v2h9v-2zM2 9h12v5H2zm1.5 1.5v2h9v-2z"/>' +
    '<path d="M5 4h1.5v1H5zM5 11h1.5v1H5z"/></g></svg>'
});

/** The label of the buttons that extend the server's time. */
export const KEEP_RUNNING = 'Keep It Running';

function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  text = ''
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}

/** Memory and time left, in the status bar. A click calls `open`. */
export class StatusItem extends Widget {
  constructor(open: () => void) {
    super({ node: element('button') });
    this.addClass('yarnhub-status');
    this.node.title = 'Memory in use and time left. Show the server';
    this.node.addEventListener('click', open);
  }

  showStatus(status: Status, now: number): void {
    this.node.textContent = summary(status, now);
    this.toggleClass('yarnhub-high', isHigh(status));
  }
}

/** What the server is, the kernels that were ended, and the last lines of its log. */
export class ServerPanel extends Widget {
  constructor(fetchLog: () => Promise<string>, extend: () => Promise<void>) {
    super();
    this.id = 'yarnhub-server';
    this.title.icon = serverIcon;
    this.title.caption = 'Server on YARN';
    this.addClass('yarnhub-panel');
    this.fetchLog = fetchLog;
    const refresh = element('button', 'Refresh');
    refresh.className = 'jp-mod-styled jp-mod-reject';
    refresh.addEventListener('click', () => void this.showLog());
    this.extend.className = 'jp-mod-styled jp-mod-accept';
    this.extend.addEventListener('click', () => void this.runExtend(extend));
    const heading = element('h3', 'Log');
    heading.append(refresh);
    this.log.tabIndex = 0;
    this.log.setAttribute('aria-label', 'The last lines of the log');
    const title = element('h2', 'Server on YARN');
    this.node.append(title, this.facts, this.extend, this.endsHeading, this.ends, heading, this.log);
  }

  protected onAfterShow(): void {
    void this.showLog();
  }

  showStatus(status: Status, now: number): void {
    this.facts.replaceChildren(
      ...rows(status, now).flatMap(([label, value]) => [element('dt', label), element('dd', value)])
    );
    this.extend.hidden = !isExtensible(status);
    this.endsHeading.hidden = status.ended_kernels.length === 0;
    this.ends.replaceChildren(
      ...status.ended_kernels.map(end =>
        element('li', `${new Date(end.when * 1000).toLocaleTimeString()}: ${end.sentence}`)
      )
    );
    if (status.help_url) {
      const link = element('a', status.help_url.replace(/^mailto:/, ''));
      link.href = status.help_url;
      link.target = '_blank';
      link.rel = 'noopener';
      const value = element('dd');
      value.append(link);
      this.facts.append(element('dt', 'Help'), value);
    }
  }

  private async runExtend(extend: () => Promise<void>): Promise<void> {
    this.extend.disabled = true;
    await extend();
    this.extend.disabled = false;
  }

  private async showLog(): Promise<void> {
    try {
      this.log.textContent = await this.fetchLog();
      this.log.scrollTop = this.log.scrollHeight;
    } catch (error) {
      this.log.textContent = `The log could not be read: ${error}`;
    }
  }

  private readonly fetchLog: () => Promise<string>;
  private readonly facts = element('dl');
  private readonly extend = element('button', KEEP_RUNNING);
  private readonly endsHeading = element('h3', 'Ended for memory');
  private readonly ends = element('ul');
  private readonly log = element('pre');
}
