// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.linuxflow.enrich.CommandHook;
import io.linuxflow.enrich.Enrichment;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import java.util.List;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The bean {@code enrich}, as routes use it. */
class EnricherTest {

    private final DefaultCamelContext camel = new DefaultCamelContext();
    private final FlowBatch batch = TestFlows.tcp(2, 1000);

    @AfterEach
    void stop() {
        camel.stop();
    }

    private static Enrichment adds(String column) {
        return flows ->
                flows.with(List.of(new Column(column, Column.Type.TEXT, new byte[flows.size()][])));
    }

    private FlowBatch enrich(String names) throws Exception {
        start(names);
        return camel.createProducerTemplate().requestBody("direct:in", batch, FlowBatch.class);
    }

    private void start(String names) throws Exception {
        FlowExportPlugin.bind(camel);
        if (names != null) {
            camel.getPropertiesComponent().addInitialProperty("flow.enrich", names);
        }
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("direct:in").bean("enrich", "enrich");
                    }
                });
        camel.start();
    }

    @Test
    void withoutThePropertyTheBatchIsAsItWas() throws Exception {
        assertThat(enrich(null)).isSameAs(batch);
    }

    @Test
    void enrichmentsAreAppliedInTheirOrder() throws Exception {
        camel.getRegistry().bind("first", adds("a"));
        camel.getRegistry().bind("second", adds("b"));

        assertThat(enrich("second, first,hostName").columns())
                .extracting(Column::name)
                .containsExactly("b", "a", "hostName");
        assertThat(batch.columns()).isEmpty();
    }

    @Test
    void anUnknownNameIsRefusedWithThoseThatThereAre() {
        camel.getRegistry().bind("mine", adds("a"));

        assertThatThrownBy(() -> enrich("hostName,hostname"))
                .hasStackTraceContaining("enrich: there is no enrichment \"hostname\"; there are: ")
                .hasStackTraceContaining(" hostName, ")
                .hasStackTraceContaining(" mine, ");
    }

    @Test
    void oneThatCanNotWorkStopsTheStart() {
        camel.getRegistry()
                .bind(
                        "mine",
                        new Enrichment() {
                            @Override
                            public FlowBatch enrich(FlowBatch flows) {
                                return flows;
                            }

                            @Override
                            public void start() {
                                throw new IllegalStateException("no table");
                            }
                        });

        assertThatThrownBy(() -> enrich("mine")).hasStackTraceContaining("enrich: mine: no table");
    }

    @Test
    void oneThatFailsLosesNoFlowAndIsCounted() throws Exception {
        camel.getRegistry().bind("first", adds("a"));
        camel.getRegistry()
                .bind(
                        "broken",
                        (Enrichment)
                                flows -> {
                                    throw new IllegalStateException("not today");
                                });
        camel.getRegistry().bind("none", (Enrichment) flows -> null);
        camel.getRegistry().bind("last", adds("b"));

        FlowBatch enriched = enrich("first,broken,none,last");

        assertThat(enriched.columns()).extracting(Column::name).containsExactly("a", "b");
        assertThat(enriched.records()).isSameAs(batch.records());
        assertThat(camel.getRegistry().lookupByNameAndType("enrich", Enricher.class).steps())
                .extracting(Enricher.Step::failedFlows)
                .containsExactly(0L, 2L, 2L, 0L);
    }

    @Test
    void aHookIsAnEnrichmentThatCountsItsOwnFailures() throws Exception {
        CommandHook adds = new CommandHook();
        adds.setShell("sed 's/}/,\"site\":\"fra1\"}/g'");
        CommandHook fails = new CommandHook();
        fails.setCommand("false");
        camel.getRegistry().bind("adds", adds);
        camel.getRegistry().bind("fails", fails);

        FlowBatch enriched = enrich("hostName,adds,fails");

        assertThat(enriched.columns()).extracting(Column::name).containsExactly("hostName", "site");
        assertThat(enriched.column("site").value(1)).asString().isEqualTo("fra1");
        assertThat(enriched.records()).isSameAs(batch.records());
        assertThat(adds.failures()).isZero();
        assertThat(fails.failures()).isEqualTo(1);
        assertThat(fails.failedFlows()).isEqualTo(2);
        // It is counted once.
        assertThat(camel.getRegistry().lookupByNameAndType("enrich", Enricher.class).steps())
                .extracting(Enricher.Step::failedFlows)
                .containsExactly(0L, 0L, 0L);
    }

    @Test
    void aBeanOfTheSameNameTakesThePlaceOfOurs() throws Exception {
        // As the YAML loader does.
        camel.getRegistry().unbind("hostName");
        camel.getRegistry().bind("hostName", adds("mine"));

        assertThat(enrich("hostName").columns()).extracting(Column::name).containsExactly("mine");
    }

    @Test
    void aBeanThatIsMadeAnewTakesThePlaceOfTheFormerOne() throws Exception {
        camel.getRegistry().bind("mine", adds("a"));
        start("mine");
        // As the YAML loader does when its file is reloaded.
        camel.getRegistry().bind("mine", adds("b"));

        assertThat(
                        camel.createProducerTemplate()
                                .requestBody("direct:in", batch, FlowBatch.class)
                                .columns())
                .extracting(Column::name)
                .containsExactly("b");
    }

    @Test
    void theBeansAreThereOnlyOnce() {
        FlowExportPlugin.bind(camel);
        Object enrich = camel.getRegistry().lookupByName("enrich");

        assertThatCode(() -> FlowExportPlugin.bind(camel)).doesNotThrowAnyException();

        assertThat(camel.getRegistry().lookupByName("enrich")).isSameAs(enrich);
    }
}
