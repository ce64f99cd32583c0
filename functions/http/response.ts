import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** What a handler returns to API Gateway or a Lambda URL (payload format 2.0), complete, with headers as text. */
export interface HttpResponse extends APIGatewayProxyStructuredResultV2 {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A response with a JSON body. */
export const jsonResponse = (
  statusCode: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
