"""What tests need of moto's queues and do not get as they come. Python runs this before the server, which has this folder
on its path.

- Locks: else two who receive at once get the same message now and then, and one that is sent or deleted while another
  one is deleted is lost or comes back.
- Nobody looks whether a message is too old: to find that out, the whole queue would be counted three times a message.
- The time is read and not computed from dates: it is read for every message of a queue in every call.
"""

import threading
import time

from moto.sqs import models
from moto.sqs.models import Queue, SQSBackend

LOCK = threading.RLock()


def locked(plain):
    def call(*arguments, **named):
        with LOCK:
            return plain(*arguments, **named)

    return call


def received(plain):
    """Looks with the lock and waits without it."""

    def call(self, queue_name, count, wait_seconds_timeout, *others, **named):
        end = time.monotonic() + wait_seconds_timeout
        while True:
            with LOCK:
                messages = plain(self, queue_name, count, 0, *others, **named)
            left = end - time.monotonic()
            if messages or left <= 0:
                return messages
            self.get_queue(queue_name).wait_for_messages(min(left, 1))

    return call


Queue.add_message = locked(Queue.add_message)
Queue.delete_message = locked(Queue.delete_message)
SQSBackend.change_message_visibility = locked(SQSBackend.change_message_visibility)
SQSBackend.receive_message = received(SQSBackend.receive_message)
SQSBackend.is_message_valid_based_on_retention_period = lambda *_: True
models.unix_time_millis = lambda: time.time() * 1000
