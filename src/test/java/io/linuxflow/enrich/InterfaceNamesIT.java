// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static io.linuxflow.enrich.Batches.known;
import static io.linuxflow.enrich.Batches.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class InterfaceNamesIT {

    private Namespace namespace;
    private InterfaceNames names;

    @BeforeEach
    void makeInterfaces() {
        namespace = new Namespace();
        namespace.veth("up0", 70);
        namespace.veth("down0", 71);
        namespace.ip("link set down0 alias customer-4711");
        names = new InterfaceNames();
    }

    @AfterEach
    void remove() {
        names.close();
        namespace.close();
    }

    private FlowBatch flow(int ingress, int egress, int direction) {
        return names.enrich(
                new Batches()
                        .flow("10.0.0.1", "10.0.0.2", ingress, egress, direction, 0)
                        .batch()
                        .from(namespace.name()));
    }

    @Test
    void aForwardedFlowHasBothAndTheOneThatItWasMeteredAt() {
        FlowBatch forwarded = flow(70, 71, 1);

        assertThat(value(forwarded, "ingressInterfaceName")).isEqualTo("up0");
        assertThat(value(forwarded, "egressInterfaceName")).isEqualTo("down0");
        assertThat(value(forwarded, "interfaceName")).isEqualTo("down0");
        assertThat(value(forwarded, "ingressInterfaceDescription")).isEqualTo("veth");
        assertThat(value(forwarded, "egressInterfaceDescription")).isEqualTo("customer-4711");
        assertThat(value(forwarded, "interfaceDescription")).isEqualTo("customer-4711");
        assertThat(value(flow(70, 71, 0), "interfaceName")).isEqualTo("up0");
    }

    @Test
    void whatIsNoInterfaceHasNoName() {
        assertThat(known(flow(0, 70, 1)))
                .containsExactly(
                        "interfaceName",
                        "interfaceDescription",
                        "egressInterfaceName",
                        "egressInterfaceDescription");
        assertThat(known(flow(0, 0, 0))).isEmpty();
        assertThat(flow(0, 0, 0).columns())
                .extracting(Column::name)
                .containsExactly(
                        "interfaceName",
                        "interfaceDescription",
                        "ingressInterfaceName",
                        "egressInterfaceName",
                        "ingressInterfaceDescription",
                        "egressInterfaceDescription");
        assertThat(value(flow(4711, 70, 1), "ingressInterfaceName")).isNull();
    }

    @Test
    void indexesAreThoseOfTheNamespace() {
        FlowBatch own = new Batches().flow("10.0.0.1", "10.0.0.2", 1, 70, 0, 0).batch();

        assertThat(value(names.enrich(own), "interfaceName")).isEqualTo("lo");
        assertThat(value(names.enrich(own), "egressInterfaceName")).isNull();
    }

    @Test
    void namesAreThoseOfNow() {
        assertThat(value(flow(70, 71, 1), "egressInterfaceName")).isEqualTo("down0");

        namespace.ip("link set down0 name wan0");
        namespace.ip("link set wan0 alias uplink");
        namespace.veth("new0", 72);

        await().untilAsserted(
                        () -> {
                            FlowBatch now = flow(72, 71, 1);
                            assertThat(value(now, "egressInterfaceName")).isEqualTo("wan0");
                            assertThat(value(now, "interfaceDescription")).isEqualTo("uplink");
                            assertThat(value(now, "ingressInterfaceName")).isEqualTo("new0");
                        });
    }

    @Test
    void anInterfaceThatIsGoneKeepsItsNameUntilItsIndexIsUsedAgain() throws Exception {
        assertThat(value(flow(70, 71, 1), "egressInterfaceName")).isEqualTo("down0");

        namespace.ip("link delete down0");
        namespace.veth("new0", 72);

        await().until(() -> "new0".equals(value(flow(70, 72, 1), "egressInterfaceName")));
        assertThat(value(flow(70, 71, 1), "egressInterfaceName")).isEqualTo("down0");

        namespace.veth("other0", 71);

        await().until(() -> "other0".equals(value(flow(70, 71, 1), "egressInterfaceName")));
    }

    @Test
    void aNamespaceThatIsNotThereIsNamed() {
        FlowBatch lost =
                new Batches().flow("10.0.0.1", "10.0.0.2", 70, 0, 0, 0).batch().from("no-such");

        assertThatThrownBy(() -> names.enrich(lost)).hasMessageContaining("no-such");
    }
}
