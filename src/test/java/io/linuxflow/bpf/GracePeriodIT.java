// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class GracePeriodIT {

    @Test
    void programsThatWereRunningHaveReturned() {
        try (BpfObject object = BpfObject.open(BpfObject.resource("bpf/bridge.bpf.o"), "bridge")) {
            object.load();
            MappedMemory started = object.global("started");
            MappedMemory finished = object.global("finished");
            BpfProgram dawdle = object.program("dawdle");
            AtomicInteger caughtRunning = new AtomicInteger();
            CompletableFuture<Void> runs =
                    CompletableFuture.runAsync(
                            () -> {
                                for (int i = 0;
                                        i < 50 || caughtRunning.get() == 0 && i < 5000;
                                        i++) {
                                    dawdle.testRun(TestRun.of(new byte[64]));
                                }
                            });
            while (!runs.isDone()) {
                int before = started.getIntAcquire(0);
                if (before != finished.getIntAcquire(0)) {
                    caughtRunning.incrementAndGet();
                }

                GracePeriod.await();

                assertThat(finished.getIntAcquire(0)).isGreaterThanOrEqualTo(before);
            }
            assertThat(caughtRunning).hasPositiveValue();
        }
    }
}
