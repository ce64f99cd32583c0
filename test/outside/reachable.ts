/** The addresses of a stack as the emulator serves them: below paths of its own address. */
export function reachableAt(
  emulatorUrl: string,
  { ApiUrl: api = '', WebhookUrl: webhook = '' }: Readonly<Record<string, string>>,
): { readonly ApiUrl: string; readonly WebhookUrl: string } {
  const [apiId = ''] = new URL(api).hostname.split('.');
  const ApiUrl = `${emulatorUrl}/_aws/execute-api/${apiId}`;
  const { hostname, pathname } = new URL(webhook);
  const [webhookId = ''] = hostname.split('.');
  const WebhookUrl = hostname.includes('.lambda-url.')
    ? `${emulatorUrl}/_aws/lambda-url/${webhookId}${pathname}`
    : `${ApiUrl}${pathname}`;
  return { ApiUrl, WebhookUrl };
}
