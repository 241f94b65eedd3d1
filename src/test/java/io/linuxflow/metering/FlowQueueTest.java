// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class FlowQueueTest {

    private final FlowQueue queue = new FlowQueue("test", 10, () -> {});

    @Test
    void handsOutBatchesInTheirOrder() throws InterruptedException {
        FlowBatch first = batch(1);
        FlowBatch second = batch(2);
        offer(first);
        offer(second);

        assertThat(queue.queuedFlows()).isEqualTo(3);
        assertThat(queue.poll(Duration.ZERO)).isSameAs(first);
        assertThat(queue.poll(Duration.ZERO)).isSameAs(second);
        assertThat(queue.poll(Duration.ZERO)).isNull();
        assertThat(queue.queuedFlows()).isZero();
    }

    @Test
    void countsTheFlowsItCannotHold() throws InterruptedException {
        offer(batch(8));
        offer(batch(3));
        assertThat(queue.droppedFlows()).isEqualTo(3);

        assertThat(queue.poll(Duration.ZERO).size()).isEqualTo(8);
        offer(batch(3));
        assertThat(queue.droppedFlows()).isEqualTo(3);
    }

    @Test
    void letsInALargeBatchWhenItIsEmpty() {
        offer(batch(25));

        assertThat(queue.queuedFlows()).isEqualTo(25);
        assertThat(queue.droppedFlows()).isZero();
    }

    @Test
    void isWaitedForUntilThereIsRoom() throws Exception {
        offer(batch(10));
        CompletableFuture<Void> offered =
                CompletableFuture.runAsync(() -> offer(batch(4), Duration.ofMinutes(1)));

        assertThat(queue.poll(Duration.ZERO).size()).isEqualTo(10);
        offered.get();
        assertThat(queue.queuedFlows()).isEqualTo(4);
        assertThat(queue.droppedFlows()).isZero();
    }

    @Test
    void isNotWaitedForAgainBeforeItIsHalfEmpty() {
        offer(batch(10));
        offer(batch(1));

        long begin = System.nanoTime();
        offer(batch(1), Duration.ofMinutes(1));
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(30));
        assertThat(queue.droppedFlows()).isEqualTo(2);
    }

    @Test
    void endsOnceItIsEmpty() throws InterruptedException {
        offer(batch(1));
        queue.end();

        assertThat(queue.isEnded()).isFalse();
        assertThat(queue.poll(Duration.ZERO)).isNotNull();
        assertThat(queue.isEnded()).isTrue();
        assertThat(queue.poll(Duration.ofMinutes(1))).isNull();
    }

    private void offer(FlowBatch batch) {
        offer(batch, Duration.ZERO);
    }

    private void offer(FlowBatch batch, Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        queue.offer(batch, () -> System.nanoTime() - deadline >= 0);
    }

    private static FlowBatch batch(int size) {
        return new FlowBatch(new byte[size * FlowLayout.SIZE], size, 0);
    }
}
