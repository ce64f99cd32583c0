/** The outputs of an invented stack, as CloudFormation gives them. */
export const rawOutputs = {
  ApiUrl: 'https://api.example',
  WebhookUrl: 'https://webhook.example/',
  TableName: 't',
  RetentionDays: '90',
  EventBusName: 'b',
  AccountsSecretName: 'a',
  SigningKeysSecretName: 's',
  CredentialsPrefix: 'c/',
  TimerQueueUrl: 'https://q.example/1',
  DeadTimersQueueUrl: 'https://q.example/2',
  UnpublishedEventsQueueUrl: 'https://q.example/3',
  SweepFailuresQueueUrl: 'https://q.example/4',
  FunctionNames: 'reconcile-payment-requests=Lapse-sweep',
  MetricsStack: 'Lapse',
} as const;
