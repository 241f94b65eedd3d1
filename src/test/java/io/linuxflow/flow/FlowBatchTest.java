// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FlowBatchTest {

    private final FlowBatch batch = new FlowBatch(new byte[2 * FlowLayout.SIZE], 2, 0);

    private static Column text(String name, String... values) {
        byte[][] octets = new byte[values.length][];
        for (int i = 0; i < values.length; i++) {
            octets[i] = values[i] == null ? null : values[i].getBytes(StandardCharsets.UTF_8);
        }
        return new Column(name, Column.Type.TEXT, octets);
    }

    @Test
    void whoEnrichesABatchLeavesItToOthersAsItWas() {
        FlowBatch enriched = batch.with(List.of(text("a", "x", null)));

        assertThat(batch.columns()).isEmpty();
        assertThat(batch.column("a")).isNull();
        assertThat(enriched.column("a").value(0)).asString().isEqualTo("x");
        assertThat(enriched.column("a").value(1)).isNull();
        assertThat(enriched.records()).isSameAs(batch.records());
        assertThat(enriched.flow(1).batch()).isSameAs(enriched);
        assertThat(enriched.flow(1).index()).isEqualTo(1);
    }

    @Test
    void columnsKeepTheirOrderAndTheLastOfANameIsSeen() {
        FlowBatch enriched =
                batch.with(List.of(text("b", "1", "1"), text("a", "2", "2")))
                        .with(List.of(text("b", "3", "3")));

        assertThat(enriched.columns()).extracting(Column::name).containsExactly("b", "a");
        assertThat(enriched.column("b").value(0)).asString().isEqualTo("3");
        assertThat(enriched).hasToString("FlowBatch[2 flows, observation domain 0, with [b, a]]");
    }

    @Test
    void theNamespaceStaysWithTheFlows() {
        assertThat(batch.namespace()).isEqualTo(FlowBatch.OWN_NAMESPACE);

        FlowBatch blue = batch.from("blue");

        assertThat(blue.with(List.of(text("a", "x", "y"))).namespace()).isEqualTo("blue");
        assertThat(blue.records()).isSameAs(batch.records());
        assertThat(batch.with(List.of(text("a", "x", "y"))).from("blue").column("a")).isNotNull();
    }

    @Test
    void aColumnOfAnotherNumberOfFlowsIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> batch.with(List.of(text("a", "x"))))
                .withMessage("column a is of 1 flows, not 2");
    }

    @Test
    void whatIsComputedOnceIsSharedByAllViewsAndThreads() throws Exception {
        AtomicInteger computations = new AtomicInteger();
        FlowBatch view = batch.with(List.of(text("a", "x", "y")));
        int threads = 4;
        CyclicBarrier together = new CyclicBarrier(threads);
        CountDownLatch done = new CountDownLatch(threads);
        for (int i = 0; i < threads; i++) {
            FlowBatch asked = i % 2 == 0 ? batch : view;
            new Thread(
                            () -> {
                                try {
                                    together.await();
                                    asked.once("key", computations::incrementAndGet);
                                } catch (Exception e) {
                                    throw new IllegalStateException(e);
                                } finally {
                                    done.countDown();
                                }
                            })
                    .start();
        }
        done.await();

        assertThat(computations).hasValue(1);
        assertThat(view.<Integer>once("key", () -> 0)).isEqualTo(1);
        assertThat(batch.<Integer>once("other key", () -> 7)).isEqualTo(7);
    }

    @Test
    void aComputationThatFailedIsTriedAgain() {
        assertThatThrownBy(
                        () ->
                                batch.once(
                                        "key",
                                        () -> {
                                            throw new IllegalStateException("not now");
                                        }))
                .hasMessage("not now");

        assertThat(batch.<Integer>once("key", () -> 2)).isEqualTo(2);
    }
}
