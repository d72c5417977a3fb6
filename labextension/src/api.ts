// The server's API.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { Status } from './status.js';

function request(name: string, init: RequestInit = {}): Promise<Response> {
  const settings = ServerConnection.makeSettings();
  const url = URLExt.join(settings.baseUrl, 'yarnhub/api', name);
  return ServerConnection.makeRequest(url, init, settings);
}

async function get<Answer>(name: string): Promise<Answer | null> {
  const response = await request(name);
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

/** Have the server run longer; returns its status after that. Throws the server's sentence. */
export async function extendLifetime(): Promise<Status> {
  const response = await request('lifetime', { method: 'POST' });
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Error(answer.message ?? `The server answered with status ${response.status}.`);
  }
  return response.json() as Promise<Status>;
}

/** The last lines of the server's log. */
export async function fetchLog(): Promise<string> {
  return (await get<{ text: string }>('log'))?.text ?? '';
}

/** The guide for users, as Markdown. */
export async function fetchGuide(): Promise<string> {
  return (await get<{ text: string }>('guide'))?.text ?? '';
}
