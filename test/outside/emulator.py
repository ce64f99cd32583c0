"""Runs MiniStack, an emulator of AWS (https://pypi.org/project/ministack), with four of its gaps closed in memory.

Lapse's template is deployed through it unchanged. The gaps of version 1.5.33, and what happens instead:

1. It refuses a stack with an alarm on metric math. Such an alarm is stored as a plain alarm. Alarms are not evaluated.
2. `Ref` of a secret without a name is not its ARN, and the name has no suffix. It becomes the ARN, and the name
   `<logical id>-<12 characters>`, as AWS makes it.
3. IAM sees the group `default` for every schedule. It sees the group of the call.
4. It has no CodeDeploy. Its resource types are accepted and do nothing: a new version gets all calls at once.
"""

import ministack.core.iam_actions as iam_actions
import ministack.services.cloudformation.provisioners as provisioners
from ministack.core.responses import new_uuid


def close_metric_math():
    record = provisioners._cw_metric_alarm_record
    plain = {"MetricName": "math", "Namespace": "math", "Statistic": "Sum", "Period": 60}

    def as_plain_alarm(name, properties):
        if not properties.get("Metrics"):
            return record(name, properties)
        others = {key: value for key, value in properties.items() if key != "Metrics"}
        return record(name, {**others, **plain})

    provisioners._cw_metric_alarm_record = as_plain_alarm


def close_names_of_secrets():
    create = provisioners._sm_secret_create
    handlers = provisioners._RESOURCE_HANDLERS

    def with_suffix(logical_id, properties, stack_name):
        name = properties.get("Name") or f"{logical_id}-{new_uuid().replace('-', '')[:12]}"
        _, attributes = create(logical_id, {**properties, "Name": name}, stack_name)
        return attributes["Arn"], attributes

    kind = "AWS::SecretsManager::Secret"
    delete = handlers[kind]["delete"]

    def by_arn(arn, properties):
        secrets = provisioners._sm._secrets
        names = [name for name, secret in secrets.items() if secret["ARN"] == arn]
        for name in names:
            delete(name, properties)

    handlers[kind] = {**handlers[kind], "create": with_suffix, "delete": by_arn}


def close_schedule_groups():
    extract = iam_actions.extract_resource_arn

    def with_group(service, method, path, headers, body, query, region, account):
        found = extract(service, method, path, headers, body, query, region, account)
        if service != "scheduler" or ":schedule/default/" not in found:
            return found
        group = query.get("groupName")
        group = group[0] if isinstance(group, list) else group
        group = group or iam_actions._safe_json_field(body, "GroupName") or "default"
        return found.replace(":schedule/default/", f":schedule/{group}/")

    iam_actions.extract_resource_arn = with_group


def close_codedeploy():
    for kind in ("Application", "DeploymentGroup"):
        provisioners._RESOURCE_HANDLERS[f"AWS::CodeDeploy::{kind}"] = {
            "create": lambda logical_id, properties, stack_name: (f"{stack_name}-{logical_id}", {}),
            "delete": lambda physical_id, properties: None,
        }


close_metric_math()
close_names_of_secrets()
close_schedule_groups()
close_codedeploy()

# Imported last: it takes the functions that were replaced above.
import ministack.app as app  # noqa: E402

if hasattr(app, "extract_resource_arn"):
    app.extract_resource_arn = iam_actions.extract_resource_arn
app.main()
