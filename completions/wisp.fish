# fish completion for wisp(1)                                             SPDX-License-Identifier: Apache-2.0

# What the daemon serves right now: names, processing types and modalities.
function __wisp_targets
    timeout 2 wisp models --json 2>/dev/null | string match -rag '^ {4}"(?:name|processing)": *"([^"]*)"' | while read -l word
        echo $word
        string replace -r '\..*' '' -- $word
    end | string match -r '^[A-Za-z0-9_.-]+$' | string match -rv '\.decoder$' | sort -u
end

function __wisp_verb
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

complete -c wisp -f -n __fish_use_subcommand -a run -d 'send pictures, sentences or recordings to a model'
complete -c wisp -f -n __fish_use_subcommand -a models -d 'list what the daemon serves'
complete -c wisp -f -n __fish_use_subcommand -a show -d 'show one model'
complete -c wisp -f -n __fish_use_subcommand -a ping -d 'measure the round trip to the daemon'
complete -c wisp -f -n __fish_use_subcommand -a status -d "show the daemon's own state"
complete -c wisp -f -n __fish_use_subcommand -a reload -d 'have the daemon read its configuration and models again'
complete -c wisp -f -n __fish_use_subcommand -a stats -d 'show what the daemon has counted'
complete -c wisp -f -n __fish_use_subcommand -a clients -d 'list who is connected'
complete -c wisp -f -n __fish_use_subcommand -a doctor -d 'look for what makes the daemon slow'
complete -c wisp -f -n __fish_use_subcommand -a bench -d 'put a load on a model'
complete -c wisp -f -n __fish_use_subcommand -a top -d "show who uses the daemon's time"
complete -c wisp -f -n __fish_use_subcommand -a rollback -d 'have the daemon serve the models of before'
complete -c wisp -f -n __fish_use_subcommand -a help -d 'describe a verb'
complete -c wisp -f -n __fish_use_subcommand -a version -d 'print the version'
complete -c wisp -f -n __fish_use_subcommand -a structure -d 'keep structures, and see what a sparsity makes of one'
complete -c wisp -f -n __fish_use_subcommand -a build -d 'sample a sparse network from a structure'
complete -c wisp -f -n __fish_use_subcommand -a train -d 'train its connections'
complete -c wisp -f -n __fish_use_subcommand -a curves -d 'show how trainings went'
complete -c wisp -f -n __fish_use_subcommand -a eval -d 'measure its accuracy on a test set'
complete -c wisp -f -n __fish_use_subcommand -a quantize -d 'round its values, and measure what that changes'
complete -c wisp -f -n __fish_use_subcommand -a export -d 'write its connections for other programs'
complete -c wisp -f -n __fish_use_subcommand -a golden -d 'give it an input and its answer'

complete -c wisp -n '__wisp_verb run models show ping status reload rollback stats clients top bench doctor' -s s -l socket -r -d 'the socket of the daemon'
complete -c wisp -n '__wisp_verb run models show ping status reload rollback stats clients top bench doctor' -s t -l timeout -x -d 'longest to wait, milliseconds'
complete -c wisp -n '__wisp_verb run models show ping status reload rollback stats clients top bench doctor' -s j -l json -d JSON
complete -c wisp -n '__wisp_verb bench' -s m -l model -x -a '(__wisp_targets)' -d 'the model'
complete -c wisp -n '__wisp_verb bench' -s b -l batch -x -d 'samples of a request'
complete -c wisp -n '__wisp_verb bench' -l concurrency-range -x -d 'requests at once'
complete -c wisp -n '__wisp_verb bench' -l request-rate-range -x -d 'requests a second'
complete -c wisp -n '__wisp_verb bench' -l request-distribution -x -a 'constant poisson' -d 'of arrivals'
complete -c wisp -n '__wisp_verb bench' -l max-under-way -x -d 'requests at once at most'
complete -c wisp -n '__wisp_verb bench' -s p -l measurement-interval -x -d 'length of a window, milliseconds'
complete -c wisp -n '__wisp_verb bench' -s r -l max-trials -x -d 'windows at most'
complete -c wisp -n '__wisp_verb bench' -l stability-percentage -x -d 'how far windows may be apart'
complete -c wisp -n '__wisp_verb bench' -l percentile -x -d 'that has to agree'
complete -c wisp -n '__wisp_verb bench' -l input-data -r -a 'random zero' -d inputs
complete -c wisp -n '__wisp_verb bench' -l request-count -x -d 'requests of a level'
complete -c wisp -n '__wisp_verb bench' -l warmup-request-count -x -d 'requests before it'
complete -c wisp -n '__wisp_verb bench' -s l -l latency-threshold -x -d 'the slowest level, milliseconds'
complete -c wisp -n '__wisp_verb bench' -l deadline -x -d 'of each request, microseconds'
complete -c wisp -n '__wisp_verb bench' -s f -l csv -r -d 'a table of perf_analyzer'
complete -c wisp -n '__wisp_verb doctor' -s a -l all -d 'what is good, too'
complete -c wisp -n '__wisp_verb doctor' -s d -l interval -x -d 'seconds to look'
complete -c wisp -n '__wisp_verb top' -s d -l interval -x -d 'seconds between two looks'
complete -c wisp -n '__wisp_verb top' -s n -l count -x -d looks
complete -c wisp -n '__wisp_verb stats' -s p -l prometheus -d 'text for Prometheus'
complete -c wisp -n '__wisp_verb stats' -s o -l output -r -d 'into this file'
complete -c wisp -n '__wisp_verb stats' -l http -d 'answer an HTTP request on standard input'
complete -c wisp -n '__wisp_verb help' -f -a 'run models show ping status reload rollback stats clients top bench doctor build train curves eval quantize export golden structure'
complete -c wisp -n '__wisp_verb run' -a '(__wisp_targets)'
complete -c wisp -n '__wisp_verb show' -s k -l kernels -d 'time the layers'
complete -c wisp -n '__wisp_verb show' -a '(__wisp_targets)'
complete -c wisp -n '__wisp_verb run' -s m -l model -r -d 'ask this model file'
complete -c wisp -n '__wisp_verb run' -s k -l top-k -x -d 'labels to print'
complete -c wisp -n '__wisp_verb run' -l text -x -d 'an input given here'
complete -c wisp -n '__wisp_verb run' -l lines -d 'each line is an input'
complete -c wisp -n '__wisp_verb run' -l min-probability -x -d 'print no label below'
complete -c wisp -n '__wisp_verb run' -l input -r -d 'the input of that name'
complete -c wisp -n '__wisp_verb run' -l tensor -d 'the files are float32 tensors'
complete -c wisp -n '__wisp_verb run' -l raw -d 'binary output'
complete -c wisp -n '__wisp_verb run' -l overlay -r -d 'the picture with the mask over it'
complete -c wisp -n '__wisp_verb run' -l threshold -x -d 'of a mask'
complete -c wisp -n '__wisp_verb run' -l min-area -x -d 'of objects'
complete -c wisp -n '__wisp_verb run' -l beam -x -d 'beginnings of an answer that go on at once'
complete -c wisp -n '__wisp_verb run' -l deadline -x -d 'microseconds for each answer'
complete -c wisp -n '__wisp_verb run' -l priority -x -a 'first usual last' -d 'before or behind what else you ask'
complete -c wisp -n '__wisp_verb run' -s o -l output -r -d 'what the model makes of the input'
complete -c wisp -n '__wisp_verb run' -s v -l verbose -d 'how long it took'
complete -c wisp -n '__wisp_verb ping' -s c -l count -x -d 'round trips'

# Actions and options as the program itself describes them.
function __wisp_actions
    wisp structure --help 2>/dev/null | string match -rg '^  ([a-z]+) +(.*)' | while read -l word
        read -l what
        printf '%s\t%s\n' $word $what
    end
end

function __wisp_structures
    wisp structure list --json 2>/dev/null | string match -rag '"name": *"([A-Za-z0-9_.-]+)"'
end

# What structures have under this key: their processing types, or kinds of network.
function __wisp_structures_by
    wisp structure list --json 2>/dev/null | string match -rag "\"$argv[1]\": *\"([A-Za-z0-9_.-]+)\"" | sort -u
end

function __wisp_action
    set -l words (commandline -opc)
    test (count $words) -ge 3; and contains -- $words[3] $argv
end

function __wisp_structure_options
    set -l words (commandline -opc)
    wisp structure $words[3] --help 2>/dev/null | string match -rg '^ +(?:-., )?(--[a-z-]+)'
end

complete -c wisp -n '__wisp_verb structure; and test (count (commandline -opc)) -eq 2' -f -a '(__wisp_actions)'
complete -c wisp -n '__wisp_verb structure; and __wisp_action show edit rm export' -a '(__wisp_structures)'
complete -c wisp -n '__wisp_verb structure; and __wisp_action list export' -s t -l type -x -a '(__wisp_structures_by processing)'
complete -c wisp -n '__wisp_verb structure; and __wisp_action list' -s n -l network -x -a '(__wisp_structures_by network)'
complete -c wisp -n '__wisp_verb structure; and test (count (commandline -opc)) -ge 3' -f -a '(__wisp_structure_options)'
complete -c wisp -n '__wisp_verb build train' -l structure -x -a '(__wisp_structures)' -d 'name in the structure database'
complete -c wisp -n '__wisp_verb structure build' -l db -r -d 'the structure database'
complete -c wisp -n '__wisp_verb build' -s l -l layers -x -d 'neurons of each layer'
complete -c wisp -n '__wisp_verb build train' -s s -l sparsity -x -d 'fraction of inactive connections'
complete -c wisp -n '__wisp_verb build' -s d -l density -x -d 'fraction of active connections'
complete -c wisp -n '__wisp_verb build' -l method -x -a 'er erk erk+ uniform uniform+ fixed' -d 'how connections are shared'
complete -c wisp -n '__wisp_verb build' -l max-bytes -x -d 'the densest of so many bytes'
complete -c wisp -n '__wisp_verb build' -l budget -x -a 'file memory' -d 'what --max-bytes counts'
complete -c wisp -n '__wisp_verb build' -l max-flops -x -d 'the densest of so many operations'
complete -c wisp -n '__wisp_verb build' -l min-accuracy -x -d 'the sparsest that reached it here'
complete -c wisp -n '__wisp_verb build' -l samples -x -d 'samples of an epoch'
complete -c wisp -n '__wisp_verb build' -l force -d 'write it though nothing passes'
complete -c wisp -n '__wisp_verb train' -l halving -d 'stop the worse half of the candidates'
complete -c wisp -n '__wisp_verb train' -l no-fold -d 'leave normalisations as they are'
complete -c wisp -n '__wisp_verb build train' -l no-history -d 'do not record it'
complete -c wisp -n '__wisp_verb build' -l fixed -x -d 'density of each layer'
complete -c wisp -n '__wisp_verb build' -l layer-density -x -d 'LAYER=D: density of one layer'
complete -c wisp -n '__wisp_verb build train' -l outputs -x -d 'neurons of the last layer'
complete -c wisp -n '__wisp_verb build' -l granularity -x -a 'weight kernel' -d 'of convolutions'
complete -c wisp -n '__wisp_verb build' -l sampling -x -a 'exact bernoulli' -d 'counts'
complete -c wisp -n '__wisp_verb build' -l repair -d 'give every neuron an input and an output'
complete -c wisp -n '__wisp_verb build' -l weights -x -a 'scaled zero constant= inherited' -d 'first weights'
complete -c wisp -n '__wisp_verb build' -l base -r -d 'base values'
complete -c wisp -n '__wisp_verb build' -l edges -r -d 'LAYER=FILE: connections of a layer'
complete -c wisp -n '__wisp_verb quantize' -l values -x -a 'bf16 int8' -d 'what values are kept as'
complete -c wisp -n '__wisp_verb quantize' -s o -l output -r -d 'the new model file'
complete -c wisp -n '__wisp_verb export' -l edges -r -d 'LAYER=FILE: write connections of a layer'
complete -c wisp -n '__wisp_verb export' -l json -d JSON
complete -c wisp -n '__wisp_verb golden' -s o -l output -r -d 'write the model there'
complete -c wisp -n '__wisp_verb golden' -l remove -d 'take away what it has'
complete -c wisp -n '__wisp_verb build' -l export-edges -r -d 'LAYER=FILE: write connections'
complete -c wisp -n '__wisp_verb build' -s t -l threads -x -d threads
complete -c wisp -n '__wisp_verb build train eval quantize' -l json -d JSON
complete -c wisp -n '__wisp_verb build train' -s S -l seed -x -d seed
complete -c wisp -n '__wisp_verb build train' -s o -l output -r -d 'model file to write'
complete -c wisp -n '__wisp_verb build train' -s n -l name -x -d 'name of the model'
complete -c wisp -n '__wisp_verb build train eval quantize' -s p -l processing -x -a 'image.classification image.segmentation image.denoising image.super-resolution image.compression image.enhancement image.style image.generation text.classification text.semantics text.keywords text.summarisation text.translation text.generation audio.classification audio.recognition audio.transcription audio.denoising audio.synthesis' -d 'processing type'
complete -c wisp -n '__wisp_verb build train eval quantize' -s m -l media -r -d 'how inputs become tensors'
complete -c wisp -n '__wisp_verb build train eval quantize' -l labels -r -d 'names of the outputs'
complete -c wisp -n '__wisp_verb train eval quantize' -s D -l data -r -d 'the data set'
complete -c wisp -n '__wisp_verb train eval quantize' -l label-column -x -d 'of a table: the label'
complete -c wisp -n '__wisp_verb train eval quantize' -l text-column -x -d 'of a table: the text'
complete -c wisp -n '__wisp_verb train eval quantize' -l label-separator -x -d 'what joins several labels'
complete -c wisp -n '__wisp_verb train eval quantize' -l target-columns -x -d 'of a table: numbers to learn'
complete -c wisp -n '__wisp_verb train eval quantize' -l degrade -x -a 'none noise= dark= small= drawing= oil= mix= damage=' -d 'inputs made of clean pictures or recordings'
complete -c wisp -n '__wisp_verb train eval quantize' -l noise -r -d 'recordings of noise for --degrade mix or damage'
complete -c wisp -n '__wisp_verb train eval quantize' -l loss -x -a 'cross-entropy sequence-cross-entropy ctc binary-cross-entropy dice mse l1 masked-snr none' -d 'what is made small'
complete -c wisp -n '__wisp_verb train eval quantize' -l skip-bad -d 'leave out what cannot be read'
complete -c wisp -n '__wisp_verb train eval' -s b -l batch -x -d 'samples at once'
complete -c wisp -n '__wisp_verb train eval quantize' -s t -l threads -x -d threads
complete -c wisp -n '__wisp_verb train' -s e -l epochs -x -d 'times through the data'
complete -c wisp -n '__wisp_verb train' -s r -l rate -x -a 'auto' -d 'learning rate'
complete -c wisp -n '__wisp_verb train' -l unlabelled -r -d 'more samples, without labels'
complete -c wisp -n '__wisp_verb train' -l labelled -x -d 'use so many labels'
complete -c wisp -n '__wisp_verb train' -l rounds -x -d 'trainings on own labels'
complete -c wisp -n '__wisp_verb train' -l passes -x -d 'over each unlabelled sample'
complete -c wisp -n '__wisp_verb train' -l agreement -x -d 'fraction of them that must agree'
complete -c wisp -n '__wisp_verb train' -l disagreement -x -d 'weight of a loss on it'
complete -c wisp -n '__wisp_verb train' -l mean-teacher -d 'compare with the averaged weights'
complete -c wisp -n '__wisp_verb train' -l confidence -x -d 'learn only what is said so surely'
complete -c wisp -n '__wisp_verb train' -l strong-augment -x -d 'when it is learned'
complete -c wisp -n '__wisp_verb train' -l unlabelled-batches -x -d 'of unlabelled samples a step'
complete -c wisp -n '__wisp_verb train' -l beam -x -d 'beginnings of an answer that go on at once'
complete -c wisp -n '__wisp_verb train' -l adversary -r -d 'a network to train against'
complete -c wisp -n '__wisp_verb train' -l save-adversary -r -d 'what became of it'
complete -c wisp -n '__wisp_verb train' -l adversarial -x -d 'weight of what is lost against it'
complete -c wisp -n '__wisp_verb train' -l adversarial-loss -x -a 'logistic hinge' -d 'what that is'
complete -c wisp -n '__wisp_verb train' -l teacher -r -d 'a trained model whose answers are learned'
complete -c wisp -n '__wisp_verb train' -l temperature -x -d 'softens its classes'
complete -c wisp -n '__wisp_verb train' -l optimizer -x -a 'sgd adamw' -d 'how weights move'
complete -c wisp -n '__wisp_verb train' -l balance -x -a 'auto none root full' -d 'weights of rare classes'
complete -c wisp -n '__wisp_verb train' -l keep -x -a 'best last' -d 'epoch that is saved'
complete -c wisp -n '__wisp_verb train' -l schedule -x -a 'cosine one-cycle step constant' -d 'how the rate falls'
complete -c wisp -n '__wisp_verb train' -l checkpoint -r -d 'keep the run after each epoch'
complete -c wisp -n '__wisp_verb train' -l steps -x -d 'end after so many batches'
complete -c wisp -n '__wisp_verb train' -l minutes -x -d 'end after so many minutes'
complete -c wisp -n '__wisp_verb train' -l until-accuracy -x -d 'end at this validation accuracy'
complete -c wisp -n '__wisp_verb train' -l patience -x -d 'end after E epochs without a better validation'
complete -c wisp -n '__wisp_verb train' -l checkpoint-every -x -a 'steps= minutes=' -d 'within epochs too'
complete -c wisp -n '__wisp_verb train' -l plot -r -d 'draw loss, accuracy and rate'
complete -c wisp -n '__wisp_verb train' -l resume -r -d 'go on from a checkpoint'
complete -c wisp -n '__wisp_verb train' -l rate-by-density -x -a 'none root full' -d 'how rates grow as densities fall'
complete -c wisp -n '__wisp_verb train' -l momentum -x -d "of Nesterov, or AdamW's beta1"
complete -c wisp -n '__wisp_verb train' -l decay -x -d 'weight decay'
complete -c wisp -n '__wisp_verb train' -l warmup -x -d 'epochs over which the rate rises'
complete -c wisp -n '__wisp_verb train' -l dense -d 'train all connections there can be'
complete -c wisp -n '__wisp_verb train' -l prune -x -a 'snip= snip-ratio=' -d 'keep the best of a dense network'
complete -c wisp -n '__wisp_verb train' -l regrow -x -a 'set rigl' -d 'exchange the weakest connections'
complete -c wisp -n '__wisp_verb train' -l average -x -a 'ema= last=' -d 'save averaged weights'
complete -c wisp -n '__wisp_verb train' -l clip -x -d 'longest gradient'
complete -c wisp -n '__wisp_verb train' -l label-smoothing -x -d 'mass moved from the label to all'
complete -c wisp -n '__wisp_verb train' -l input-dropout -x -d 'fraction of inputs dropped'
complete -c wisp -n '__wisp_verb train' -l validation -x -d 'fraction held back'
complete -c wisp -n '__wisp_verb train' -s q -l quiet -d 'print nothing but errors'
complete -c wisp -n '__wisp_verb train eval quantize' -l blas -d 'fully connected layers by OpenBLAS'
complete -c wisp -n '__wisp_verb train' -l augment -x -d 'vary the inputs'
complete -c wisp -n '__wisp_verb build train' -l candidates -x -d 'samplings to train'
complete -c wisp -n '__wisp_verb curves' -s o -l output -r -d 'draw them'
complete -c wisp -n '__wisp_verb eval' -l threshold -x -d 'a label counts from above it'
complete -c wisp -n '__wisp_verb eval' -l beam -x -d 'beginnings of an answer that go on at once'
complete -c wisp -n '__wisp_verb eval' -l inputs -r -d 'write what each sample is to the model'
complete -c wisp -n '__wisp_verb eval' -l answers -r -d 'write what the model says of each'
complete -c wisp -n '__wisp_verb eval quantize' -l split -x -a 'test train' -d 'part of the data'
