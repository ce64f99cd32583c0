"""Calls a local system with the generated Python client. Prints what each call returned, as one JSON object."""

import json
import sys

from lapse_api import ApiClient, ApiException, CancelJobsApi, Configuration, PaymentRequestsApi, SessionsApi
from lapse_api import CancelJobRequest, Extension, Registration

url, request_id, session_id, unknown_id, job_id = sys.argv[1:]
client = ApiClient(Configuration(host=url))
requests, sessions, jobs = PaymentRequestsApi(client), SessionsApi(client), CancelJobsApi(client)


def problem_of(call):
    """The status and the type of the problem that a call is refused with."""
    try:
        call()
    except ApiException as refused:
        problem = json.loads(refused.body)
        return [refused.status, problem["type"]]
    return None


registration = Registration(session_timeout="PT20M", session_id=session_id)
registered = requests.register_payment_request("demo", request_id, registration)
extended = requests.move_payment_request_deadline("demo", request_id, Extension(session_timeout="PT30M"))
refreshed = requests.get_payment_request("demo", request_id, refresh=True)
listed = requests.list_payment_requests("demo", open=True)
session = sessions.get_session("demo", session_id)
dry_run = requests.cancel_payment_request("demo", request_id, dry_run=True)
canceled = requests.cancel_payment_request("demo", request_id, reason="basket emptied")
history = requests.get_payment_request_history("demo", request_id)
job = jobs.start_cancel_job("demo", job_id, CancelJobRequest(session_id=session_id))

print(
    json.dumps(
        {
            "registered": registered.session_id,
            "extended": extended.extensions,
            "refreshed": [refreshed.state, refreshed.refresh],
            "listed": [each.payment_request_id for each in listed.payment_requests],
            "session": session.status,
            "dry_run": dry_run.outcome,
            "canceled": [canceled.outcome, canceled.state, canceled.cancellation.reason],
            "history": [entry.kind for entry in history.entries],
            "job": [job.status, job.dry_run],
            "jobs": [each.job_id for each in jobs.list_cancel_jobs("demo").cancel_jobs],
            "late": problem_of(lambda: requests.register_payment_request("demo", request_id, registration)),
            "unknown": problem_of(lambda: requests.get_payment_request_history("demo", unknown_id)),
        }
    )
)
