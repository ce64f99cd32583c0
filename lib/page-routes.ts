import {
  CfnStage,
  type HttpApi,
  type HttpMethod,
  HttpNoneAuthorizer,
  type IStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { pageRouteKeys } from '../functions/contract/routes.ts';
import { acknowledge } from './acknowledge.ts';
import type { LapseFunction } from './lapse-function.ts';
import type { ResolvedSettings } from './resolve-settings.ts';

/** What serves the pages of the shop, and at most how often. */
interface PageRoutesProps {
  readonly get: LapseFunction;
  readonly settings: Pick<ResolvedSettings, 'pageRateLimit'>;
}

/**
 * Adds the routes for a browser: they have no authorizer. The function checks the page token, and responds to the
 * preflight as well, so that one place decides on origins. They have a limit of their own.
 */
export function addPageRoutes(api: HttpApi, stage: IStage, { get, settings }: PageRoutesProps): void {
  const integration = new HttpLambdaIntegration('page', get.live);
  // CloudFormation's own names: the CDK passes this property on as it is.
  const limit = {
    ThrottlingRateLimit: settings.pageRateLimit,
    ThrottlingBurstLimit: 2 * settings.pageRateLimit,
  };
  for (const key of pageRouteKeys) {
    const [method, path] = key.split(' ') as [HttpMethod, string];
    const routes = api.addRoutes({
      path,
      methods: [method],
      integration,
      authorizer: new HttpNoneAuthorizer(),
      // The API's default scopes need an authorizer: API Gateway refuses a route with scopes and without one.
      authorizationScopes: [],
    });
    for (const route of routes) {
      acknowledge(route, {
        id: 'AwsSolutions::AwsSolutions-APIG4',
        reason:
          'A browser has no AWS credentials. The function checks a page token, which is valid for reading one session.',
      });
    }
    // API Gateway refuses a limit of a route that does not exist yet.
    stage.node.addDependency(...routes);
  }
  const { defaultChild } = stage.node;
  if (!(defaultChild instanceof CfnStage)) throw new Error('The stage of the API has no resource.');
  defaultChild.routeSettings = Object.fromEntries(pageRouteKeys.map((key) => [key, limit]));
}
