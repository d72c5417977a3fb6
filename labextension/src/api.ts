// The server's API.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { Status } from './status.js';

async function get<Answer>(name: string): Promise<Answer | null> {
  const settings = ServerConnection.makeSettings();
  const url = URLExt.join(settings.baseUrl, 'yarnhub/api', name);
  const response = await ServerConnection.makeRequest(url, {}, settings);
  if (response.status === 404) {
    return null;
  }
  if (!response.ok) {
    throw new ServerConnection.ResponseError(response);
  }
  return response.json() as Promise<Answer>;
}

/** The server's status; null if the server is not on YARN. */
export function fetchStatus(): Promise<Status | null> {
  return get<Status>('status');
}

/** The last lines of the server's log. */
export async function fetchLog(): Promise<string> {
  return (await get<{ text: string }>('log'))?.text ?? '';
}

/** The guide for users, as Markdown. */
export async function fetchGuide(): Promise<string> {
  return (await get<{ text: string }>('guide'))?.text ?? '';
}
